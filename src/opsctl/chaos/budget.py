"""What do drills cost, and what is left of it this month: a ledger of the minutes of the service level they burned."""

import json
import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opsctl.clients.file_locks import FileLock
from opsctl.clients.files import append_durably, file_error
from opsctl.clients.lock_turn import in_turn
from opsctl.clients.special_files import read_bytes
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError, RefusedError
from opsctl.core.events import Listener, Noted, ignore
from opsctl.core.findings import Location

_LOCK_SECONDS = 10.0
_UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)
"""What reading a line raises that is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """What one drill did cost; `at` as ISO 8601 in UTC."""

    at: str
    drill: str
    forecast: float
    spent: float

    @property
    def month(self) -> str:
        """Return such as `2026-11`."""
        return self.at[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the drills of a month did cost, in minutes of the service level."""

    month: str
    allowed: float
    debits: tuple[Debit, ...]

    @property
    def spent(self) -> float:
        """Return what was burned."""
        return math.fsum(debit.spent for debit in self.debits)

    @property
    def left(self) -> float:
        """Return what may still be burned, never below zero."""
        return max(0.0, self.allowed - self.spent)


class BudgetLedger:
    """A file with a line a drill, only ever appended to, locked against other processes.

    Args:
        path: the file, such as `.opsctl/chaos/budget.jsonl`.
        minutes_a_month: what all drills of a month may burn; a month has 43,200 minutes of which each may fail as the
            objective allows.
        listener: hears of a last line that a crash cut off: what its drill did cost is not counted.
    """

    def __init__(
        self, path: Path, *, clock: Clock, minutes_a_month: float, listener: Listener = ignore
    ) -> None:
        self._path = path
        self._clock = clock
        self._minutes_a_month = minutes_a_month
        self._listener = listener

    def require(self, drill: str, *, minutes: float) -> None:
        """Refuse a drill that may cost more than is left this month.

        Raises:
            RefusedError: CHA020.
        """
        statement = self.statement()
        if minutes > statement.left:
            raise RefusedError(
                f"`{drill}` may cost {minutes:.4g} minutes of the service level, {statement.left:.4g} are left of {statement.allowed:.4g}",
                code="CHA020",
                why=f"the drills of {statement.month} have cost {statement.spent:.4g} so far",
                fix="wait for the next month, shorten the drill, or allow more; `opsctl chaos budget` tells what did cost what",
            )

    def debit(self, drill: str, *, forecast: float, spent: float) -> None:
        """Write down what a drill did cost, durably.

        Raises:
            RefusedError: FIL002 when another process holds the ledger for too long.
        """
        cost = max(0.0, spent) if math.isfinite(spent) else max(forecast, self._minutes_a_month)
        debit = Debit(
            at=self._clock.now().astimezone(UTC).isoformat(timespec="seconds"),
            drill=drill,
            forecast=forecast,
            spent=cost,
        )
        with self._locked():
            self._mend_torn_tail()
            append_durably(self._path, (json.dumps(asdict(debit), sort_keys=True) + "\n").encode())

    def statement(self, month: str | None = None) -> Statement:
        """Return what a month did cost, by default this one.

        Raises:
            FailedError: CHA021 a line is damaged, so that nobody knows what is left.
        """
        wanted = f"{self._clock.now().astimezone(UTC):%Y-%m}" if month is None else month
        debits = tuple(debit for debit in self._debits() if debit.month == wanted)
        return Statement(month=wanted, allowed=self._minutes_a_month, debits=debits)

    def _debits(self) -> Iterator[Debit]:
        lines = self._read().split(b"\n")
        for number, line in enumerate(lines, start=1):
            is_last = number == len(lines)
            try:
                if line or not is_last:
                    yield _debit_of(line)
            except _UNREADABLE as error:
                if is_last:  # it has no end: a crash cut it off, and nobody was told that it is there
                    self._note("a last line that a crash cut off is not counted")
                    return
                raise FailedError(
                    "the ledger of what drills cost has a damaged line",
                    code="CHA021",
                    location=Location(file=str(self._path), line=number),
                    why=str(error),
                    fix="restore the file from a backup, or mend the line: at, drill, forecast, spent",
                ) from error

    def _read(self) -> bytes:
        try:
            return read_bytes(self._path, most=None)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise file_error(error, path=self._path, doing="read") from error

    def _mend_torn_tail(self) -> None:
        """Give a last line its end where it is whole, as after an editor; else move it aside, and tell so."""
        data = self._read()
        begin = data.rfind(b"\n") + 1
        tail = data[begin:]
        if not tail:
            return
        try:
            _debit_of(tail)
        except _UNREADABLE:
            aside = self._path.with_suffix(".torn")
            append_durably(aside, tail + b"\n")
            with self._path.open("r+b") as file:
                file.truncate(begin)
                os.fsync(file.fileno())
            self._note(f"a last line that a crash cut off was moved to `{aside}`; it is not counted")
        else:
            append_durably(self._path, b"\n")

    def _note(self, what: str) -> None:
        self._listener(Noted(subject="budget of drills", message=what))

    def _locked(self) -> AbstractContextManager[None]:
        """Hold the lock; a debit takes a moment, so another one is waited for."""
        lock = FileLock(self._path.with_suffix(".lock"), what="debiting a drill")
        return in_turn(lock, clock=self._clock, seconds=_LOCK_SECONDS)


def _debit_of(line: bytes) -> Debit:
    body: dict[str, Any] = json.loads(line)
    for name in ("forecast", "spent"):
        if type(body[name]) not in (int, float) or not 0 <= body[name] < math.inf:
            raise ValueError(f"`{name}` is no cost")
    datetime.fromisoformat(body["at"])
    return Debit(at=body["at"], drill=str(body["drill"]), forecast=body["forecast"], spent=body["spent"])
