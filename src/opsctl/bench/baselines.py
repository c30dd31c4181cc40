"""Which run does a name such as `main` stand for: baselines, one small file a name."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opsctl.clients.files import file_error, read_text, write_atomically
from opsctl.core.clock import Clock
from opsctl.core.errors import UsageError

SCHEMA = "opsctl.baseline/v1"

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,59}")
_TAKEN = frozenset({"latest", "previous"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A name for a run."""

    name: str
    run: str
    set_at: datetime


class Baselines:
    """The baselines under one folder."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def set(self, name: str, *, run: str) -> Baseline:
        """Let a name stand for a run from now on.

        Raises:
            UsageError: BEN066 when it cannot be a name.
        """
        check_name(name)
        made = Baseline(name=name, run=run, set_at=self._clock.now())
        body = {"schema": SCHEMA, "run": run, "set_at": made.set_at.astimezone(UTC).isoformat()}
        write_atomically(self._path(name), json.dumps(body, sort_keys=True) + "\n")
        return made

    def find(self, name: str) -> Baseline | None:
        """Return what a name stands for; None where it stands for nothing.

        Raises:
            UsageError: BEN067 when its file is damaged.
        """
        path = self._path(name)
        if not _NAME.fullmatch(name) or not path.exists():
            return None
        try:
            return _read(json.loads(read_text(path)), name=name)
        except (ValueError, KeyError, TypeError, RecursionError, UsageError) as error:
            raise UsageError(
                f"`{path}` is not a baseline of this version",
                code="BEN067",
                why=f"{type(error).__name__}: {error}",
                fix=f"set it anew: opsctl bench baseline set {name}",
            ) from error

    def find_or_damaged(self, name: str) -> str | None:
        """Return the id that a name stands for, None where it stands for nothing, `damaged` where nobody can tell."""
        try:
            found = self.find(name)
        except UsageError:
            return "damaged"
        return found.run if found else None

    def require(self, name: str) -> Baseline:
        """Return what a name stands for.

        Raises:
            UsageError: BEN066 when it stands for nothing.
        """
        found = self.find(name)
        if found is None:
            known = ", ".join(f"`{each}`" for each in self.names()) or "none yet"
            raise UsageError(
                f"no baseline is called `{name}`",
                code="BEN066",
                why=f"baselines: {known}",
                fix=f"name a run so: opsctl bench baseline set {name} latest",
            )
        return found

    def names(self) -> tuple[str, ...]:
        """Return every name, in order."""
        return tuple(sorted(path.stem for path in self._folder.glob("*.json")))

    def list(self) -> tuple[list[Baseline], list[UsageError]]:
        """Return every baseline, and what is wrong with each damaged one."""
        found: list[Baseline] = []
        damaged: list[UsageError] = []
        for name in self.names():
            try:
                found.append(self.require(name))
            except UsageError as error:
                damaged.append(error)
        return found, damaged

    def remove(self, name: str, *, dry_run: bool = False) -> None:
        """Forget a name; the run stays. A damaged one can be forgotten too.

        Raises:
            UsageError: BEN066 when there is no such name.
        """
        path = self._path(name)
        if not _NAME.fullmatch(name) or not path.exists():
            self.require(name)
        if dry_run:
            return
        try:
            path.unlink()
        except OSError as error:
            raise file_error(error, path=path, doing="remove") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def check_name(name: str) -> None:
    """Refuse what cannot be told from a run's id, or is no file name.

    Raises:
        UsageError: BEN066.
    """
    if name in _TAKEN or not _NAME.fullmatch(name):
        raise UsageError(
            f"`{name}` cannot be the name of a baseline",
            code="BEN066",
            why="a name begins with a small letter and goes on with small letters, digits and `_.-`;"
            " `latest` and `previous` mean something already",
            fix="choose a name such as `main`",
        )


def _read(body: Mapping[str, str], *, name: str) -> Baseline:
    if body["schema"] != SCHEMA:
        raise ValueError(f"schema `{body['schema']}` instead of `{SCHEMA}`")
    run = str(body["run"])
    if not re.fullmatch(r"[^/\0]{1,240}", run):
        raise ValueError("what it stands for cannot be the id of a run")
    return Baseline(name=name, run=run, set_at=datetime.fromisoformat(body["set_at"]))
