"""How far did a rebuild come: the ledger on disk that the same command goes on from after any crash."""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from opsctl.clients.files import read_text, write_atomically
from opsctl.clients.qdrant_values import PointId
from opsctl.core.errors import UsageError

_VERSION = 1


class Step(StrEnum):
    """The nine steps of a rebuild, in their order."""

    PREFLIGHT = "preflight"
    CREATE = "create"
    COPY = "copy"
    DELTA = "delta"
    SETTLE = "settle"
    VERIFY = "verify"
    SWAP = "swap"
    WATCH = "watch"
    COLLECT = "collect"


class Outcome(StrEnum):
    """How a rebuild ended; `running` is one that can be gone on with."""

    RUNNING = "running"
    LIVE = "live"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeState:
    """One range of ids: `start` belongs to it, `end` does not, `following` is the next id to copy."""

    start: PointId | None
    end: PointId | None
    following: PointId | None
    copied: int = 0
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildState:
    """Everything a new process needs to go on with a rebuild."""

    alias: str
    generation: str
    source: str
    plan_digest: str
    expected_live: str | None
    """The collection that the alias must still lead to when it is swapped."""
    started_at: str
    outcome: Outcome = Outcome.RUNNING
    done: tuple[Step, ...] = ()
    ranges: tuple[RangeState, ...] = ()
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)

    def has_done(self, step: Step) -> bool:
        """Tell whether a step is behind."""
        return step in self.done

    @property
    def copied(self) -> int:
        """Return how many points were copied so far, over all runs."""
        return sum(each.copied for each in self.ranges)


class Checkpoints:
    """The checkpoint files of one project: `<folder>/<alias>/<generation>.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, state: RebuildState) -> None:
        """Replace the checkpoint of a rebuild, durably."""
        write_atomically(
            self._path(state.alias, state.generation), json.dumps(_plain(state), indent=1) + "\n"
        )

    def all(self, alias: str) -> list[RebuildState]:
        """Return every rebuild of an alias, the newest first."""
        paths = sorted((self.folder / alias).glob("*.json"), reverse=True)
        return [_read(path) for path in paths]

    def running(self, alias: str) -> RebuildState | None:
        """Return the newest rebuild that has not ended."""
        return next((state for state in self.all(alias) if state.outcome is Outcome.RUNNING), None)

    def forget(self, alias: str, generation: str) -> None:
        """Remove the checkpoint of a generation that is gone."""
        self._path(alias, generation).unlink(missing_ok=True)

    def lock_path(self, alias: str) -> Path:
        """Return the lock that one rebuild, repair or rollback of an alias holds at a time."""
        return self.folder / alias / "lock"

    def _path(self, alias: str, generation: str) -> Path:
        return self.folder / alias / f"{generation}.json"


def _plain(state: RebuildState) -> dict[str, Any]:
    return {"version": _VERSION} | asdict(state)


def _read(path: Path) -> RebuildState:
    try:
        values = json.loads(read_text(path))
        _check_version(values.pop("version"))
        ranges = tuple(RangeState(**each) for each in values.pop("ranges"))
        done = tuple(Step(each) for each in values.pop("done"))
        outcome = Outcome(values.pop("outcome"))
        return RebuildState(**values, ranges=ranges, done=done, outcome=outcome)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"checkpoint `{path}` is damaged",
            code="COL020",
            why=str(error),
            fix=f"remove it, and the rebuild begins anew: rm {path}",
        ) from error


def _check_version(version: object) -> None:
    if version != _VERSION:
        raise ValueError(f"it has version {version}, not {_VERSION}: another opsctl wrote it")
