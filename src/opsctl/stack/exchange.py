"""How is data of the stack exchanged for other data: written down first, so that whoever comes after can take it back?"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.clients.files import file_error, read_text, sync_directory, write_atomically
from opsctl.core.errors import RefusedError
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


def begin_exchange(home: Path, exchanges: Iterable[Exchange], *, ran: Mapping[PartName, bool]) -> None:
    """Write down what is going to be moved, before anything is, and of each part that is stopped for it whether it ran.

    Raises:
        NotReadyError: FIL001, FIL003 it cannot be written, so nothing may be moved.
    """
    document = {
        "schema": _SCHEMA,
        "ran": dict(ran),
        "exchanges": [_as_row(each, home) for each in exchanges],
    }
    write_atomically(note_path(home), json.dumps(document, indent=2, default=str) + "\n")


def end_exchange(home: Path) -> None:
    """Forget it: what came stays. Data that is aside stays too; a secret does not."""
    secrets = [each.aside for each in _exchanges(home) if each.aside.is_file()]
    # First the note: whoever is killed in between leaves an old secret, and nothing that would be taken back without it.
    _forget(home)
    for path in secrets:
        path.unlink()


def take_back_exchange(home: Path) -> None:
    """Put everything back, the last one first; where nothing is under way nothing is done.

    Raises:
        RefusedError: STK017 something that was there is not there any more, neither at its place nor aside.
        NotReadyError: FIL001, FIL003 something cannot be moved; it can be tried again.
    """
    exchanges = _exchanges(home)
    for each in exchanges:
        _require_there(each, home)
    for each in reversed(exchanges):
        each.take_back()
        if each.unused.is_file():
            each.unused.unlink()
    _forget(home)


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


def parts_of_exchange(home: Path) -> Mapping[PartName, bool]:
    """Return of each part that was stopped for the exchange whether it ran; none where nothing is under way."""
    return {PartName(name): ran for name, ran in _note(home).get("ran", {}).items()}


def _exchanges(home: Path) -> Sequence[Exchange]:
    return [
        Exchange(
            **{name: home / row[name] for name in ("live", "aside", "unused")}, was_there=row["was_there"]
        )
        for row in _note(home).get("exchanges", ())
    ]


def _note(home: Path) -> dict[str, Any]:
    if not note_path(home).exists():
        return {}
    note: dict[str, Any] = json.loads(read_text(note_path(home)))
    return note


def _as_row(exchange: Exchange, home: Path) -> dict[str, Any]:
    """Return it with places below `home` as seen from there: the project may lie elsewhere when it is taken back."""
    paths = {"live": exchange.live, "aside": exchange.aside, "unused": exchange.unused}
    seen = {
        name: str(path.relative_to(home) if path.is_relative_to(home) else path)
        for name, path in paths.items()
    }
    return {**seen, "was_there": exchange.was_there}


def _require_there(exchange: Exchange, home: Path) -> None:
    if exchange.was_there and not exchange.aside.exists() and not exchange.live.exists():
        raise RefusedError(
            "what a killed restore had put aside is not there any more",
            code="STK017",
            why=f"neither `{exchange.live}` nor `{exchange.aside}` exists; nothing was moved",
            fix=f"bring it back there; or give it up: rm {note_path(home)}; opsctl dr restore --into live",
        )


def _forget(home: Path) -> None:
    note_path(home).unlink(missing_ok=True)
    if note_path(home).parent.exists():
        sync_directory(note_path(home).parent)
