"""What of a backup is done already: a killed one goes on where it was, instead of copying everything again."""

import json
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import UsageError

Made = TypeVar("Made")

# After a day a new backup says more than the rest of an old one.
_OLDEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a backup is; a killed one goes on only where the same is asked for again (`settings` is a digest)."""

    backup_id: str
    kind: str
    parent: str | None
    started_at: datetime
    settings: str


class Unfinished:
    """The steps of one backup, each written down as soon as it is done.

    `attempt` counts up whenever a killed backup goes on: what it writes then must not meet what the killed one left.
    """

    def __init__(self, path: Path, beginning: Beginning, steps: dict[str, Any], *, attempt: int = 1) -> None:
        self._path = path
        self.beginning = beginning
        self._steps = steps
        self.attempt = attempt

    @property
    def done(self) -> tuple[str, ...]:
        """Return the names of the steps that are done."""
        return tuple(self._steps)

    def step(self, name: str, kind: type[Made], make: Callable[[], Made]) -> Made:
        """Return what a step made, this time or before it was killed."""
        from pydantic import TypeAdapter, ValidationError

        adapter = TypeAdapter(kind)
        if name in self._steps:
            with suppress(ValidationError):  # another opsctl noted it
                return adapter.validate_python(self._steps[name])
        made = make()
        self._steps[name] = adapter.dump_python(made, mode="json")
        self.write()
        return made

    def forget(self) -> None:
        """Remove the notes: the backup is whole, or is given up."""
        self._path.unlink(missing_ok=True)

    def write(self) -> None:
        """Write everything down."""
        from pydantic import TypeAdapter

        beginning = TypeAdapter(Beginning).dump_python(self.beginning, mode="json")
        document = {"beginning": beginning, "steps": self._steps, "attempt": self.attempt}
        write_atomically(self._path, json.dumps(document), mode=0o600)


def open_unfinished(
    path: Path, beginning: Beginning, *, now: datetime, kept: Collection[str] = ()
) -> Unfinished:
    """Return the notes of the backup that was killed, where it is the same as this one and of today; else new ones.

    One that is among the names `kept` was killed after all of it was there, and is not made a second time.
    """
    found = _read(path)
    goes_on = (
        found is not None
        and found.beginning.backup_id not in kept
        and _goes_on(found.beginning, beginning, now=now)
    )
    notes = found if found is not None and goes_on else Unfinished(path, beginning, {})
    notes.attempt += goes_on
    notes.write()
    return notes


def unfinished_id(path: Path) -> str | None:
    """Return the name of the backup that was begun and may go on; None where there is none."""
    found = _read(path)
    return found.beginning.backup_id if found is not None else None


def _goes_on(old: Beginning, new: Beginning, *, now: datetime) -> bool:
    is_same = (old.kind, old.parent, old.settings) == (new.kind, new.parent, new.settings)
    return is_same and timedelta(0) <= now - old.started_at < _OLDEST


def _read(path: Path) -> Unfinished | None:
    from pydantic import TypeAdapter, ValidationError

    if not path.is_file():
        return None
    try:
        document = json.loads(read_text(path))
        beginning = TypeAdapter(Beginning).validate_python(document["beginning"])
        return Unfinished(path, beginning, dict(document["steps"]), attempt=int(document["attempt"]))
    except (ValueError, KeyError, TypeError, ValidationError, UsageError):
        # Nothing of the backup is lost with its notes: it is only made again.
        return None
