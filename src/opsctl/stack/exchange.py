"""How is data of the stack exchanged for other data: written down first, so that whoever comes after can take it back?"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opsctl.clients.files import file_error, read_text, sync_directory, write_atomically
from opsctl.core.clock import Clock
from opsctl.core.errors import RefusedError
from opsctl.core.events import Listener, Noted
from opsctl.stack.down import stop_parts
from opsctl.stack.lock import changing_stack
from opsctl.stack.model import PartName, stack_dir

_SCHEMA = "opsctl.stack.exchange/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One folder or file of the stack; what was there goes `aside`, and what came is `unused` where that is taken back."""

    live: Path
    aside: Path
    unused: Path
    was_there: bool

    def make(self, ours: Path) -> None:
        """Put what is there aside, and ours in its place.

        Raises:
            NotReadyError: FIL001, FIL003 it cannot be moved.
        """
        try:
            if self.was_there:
                self.live.rename(self.aside)
            self.live.parent.mkdir(parents=True, exist_ok=True)
            ours.rename(self.live)
            sync_directory(self.live.parent)
        except OSError as error:
            raise file_error(error, path=self.live, doing="move") from error

    def take_back(self) -> None:
        """Put what was there back, wherever the exchange was broken off, or taking it back was.

        Raises:
            NotReadyError: FIL001, FIL003 it cannot be moved.
        """
        is_begun = self.aside.exists() or not self.was_there
        try:
            if is_begun and self.live.exists():
                self.live.rename(self.unused)
            if self.aside.exists():
                self.aside.rename(self.live)
            if self.live.parent.exists():
                sync_directory(self.live.parent)
        except OSError as error:
            raise file_error(error, path=self.live, doing="move") from error


def plan_exchange(live: Path, *, stamp: str) -> Exchange:
    """Return how what is at a place is exchanged."""
    return Exchange(
        live=live,
        aside=live.with_name(f"{live.name}.replaced-{stamp}"),
        unused=live.with_name(f"{live.name}.unused-{stamp}"),
        was_there=live.exists(),
    )


def begin_exchange(home: Path, exchanges: Iterable[Exchange]) -> None:
    """Write down what is going to be moved, before anything is.

    Raises:
        NotReadyError: FIL001, FIL003 it cannot be written, so nothing may be moved.
    """
    document = {"schema": _SCHEMA, "exchanges": [asdict(each) for each in exchanges]}
    write_atomically(note_path(home), json.dumps(document, indent=2, default=str) + "\n")


def end_exchange(home: Path) -> None:
    """Forget it: what came stays. Data that is aside stays too; a secret does not."""
    for each in _exchanges(home):
        if each.aside.is_file():
            each.aside.unlink()
    _forget(home)


def take_back_exchange(home: Path) -> None:
    """Put everything back, the last one first; where nothing is under way nothing is done.

    Raises:
        NotReadyError: FIL001, FIL003 something cannot be moved; it can be tried again.
    """
    for each in reversed(_exchanges(home)):
        each.take_back()
        if each.unused.is_file():
            each.unused.unlink()
    _forget(home)


def take_back_killed(home: Path, *, listener: Listener, clock: Clock) -> None:
    """Put back what somebody moved who was killed in the middle, and say so; what runs on it is stopped first.

    Whoever exchanges holds the lock of the stack all the time, so under it nobody does.
    """
    home = home.resolve()
    if not note_path(home).exists():
        return
    with changing_stack(home, what="taking back a restore that was killed", listener=listener, clock=clock):
        if not note_path(home).exists():
            return  # whoever had the lock was at work, and came to its end
        stop_parts(home, only=(PartName.POSTGRES, PartName.VECTORS), listener=listener, clock=clock)
        take_back_exchange(home)
    note = "a restore was killed while it exchanged the data; what was there before it is back"
    listener(Noted(subject="stack", message=note))


def require_whole(home: Path) -> None:
    """Refuse to work on data of which only a part may have been exchanged.

    Raises:
        RefusedError: STK016.
    """
    if note_path(home).exists():
        raise RefusedError(
            "a restore was killed while it exchanged the data of the stack",
            code="STK016",
            why="one store may be of the restored point and the other one of the time before; nothing is lost: "
            f"`{note_path(home)}` says where it lies",
            fix="put back what was there: opsctl stack up --take-back; or restore again: opsctl dr restore --into live",
        )


def note_path(home: Path) -> Path:
    """Return the note that stands as long as data is exchanged."""
    return stack_dir(home) / "exchange.json"


def _exchanges(home: Path) -> Sequence[Exchange]:
    if not note_path(home).exists():
        return ()
    rows: list[dict[str, Any]] = json.loads(read_text(note_path(home)))["exchanges"]
    return [
        Exchange(
            live=Path(row["live"]),
            aside=Path(row["aside"]),
            unused=Path(row["unused"]),
            was_there=row["was_there"],
        )
        for row in rows
    ]


def _forget(home: Path) -> None:
    note_path(home).unlink(missing_ok=True)
    if note_path(home).parent.exists():
        sync_directory(note_path(home).parent)
