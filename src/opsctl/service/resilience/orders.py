"""What have operators ordered of the breakers: a small file beside the service, which every worker reads each second."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from opsctl.clients.file_locks import FileLock
from opsctl.clients.files import file_error, write_atomically
from opsctl.clients.special_files import read_bytes
from opsctl.core.errors import UsageError
from opsctl.service.resilience.breaker_model import OverrideKind
from opsctl.service.resilience.failures import DEPENDENCIES

LONGEST = timedelta(hours=24)
"""No order stands for longer: what is to stay belongs into the book."""

Change = Callable[[Sequence["Order"]], Sequence["Order"]]

_SCHEMA = "opsctl.breakers/1"
_MOST_BYTES = 64 * 1024
# What reading raises where somebody has edited the file: of msgspec, of text, of depth, of a year beyond 9999 in UTC.
_UNREADABLE = (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order: a dependency is isolated (never called) or its breaker kept closed (always called), until then."""

    dependency: str
    kind: OverrideKind
    owner: str
    reason: str
    until: Annotated[datetime, msgspec.Meta(tz=True)]

    def seconds_left(self, now: datetime) -> float:
        """Return how long it still holds, never longer than an order may: a clock that is set back prolongs none."""
        return min(LONGEST, self.until - now).total_seconds()


class _File(msgspec.Struct, frozen=True, kw_only=True):
    schema: str
    orders: tuple[Order, ...]


class Seen(NamedTuple):
    """What the file says."""

    orders: tuple[Order, ...]
    is_damaged: bool


@dataclass(frozen=True, slots=True)
class OrdersFile:
    """The file of orders, such as `<home>/service/breakers.json`."""

    path: Path

    def standing(self, now: datetime) -> tuple[Order, ...]:
        """Return the orders that hold; a file that is missing or damaged holds none."""
        return self.look(now).orders

    def look(self, now: datetime) -> "Seen":
        """Return the orders that hold, and whether what is there is no file of orders."""
        try:
            found = msgspec.json.decode(read_bytes(self.path, most=_MOST_BYTES), type=_File)
            orders = [
                msgspec.structs.replace(each, until=each.until.astimezone(UTC)) for each in found.orders
            ]
        except FileNotFoundError:
            return Seen((), is_damaged=False)
        except _UNREADABLE:
            return Seen((), is_damaged=True)
        standing = tuple(order for order in orders if order.seconds_left(now) > 0)
        is_ours = found.schema == _SCHEMA
        return Seen(standing if is_ours else (), is_damaged=not is_ours)

    @property
    def aside(self) -> Path:
        """Where a damaged file is moved to by the next order."""
        return self.path.with_suffix(".damaged")

    def give(self, order: Order, *, now: datetime) -> None:
        """Write an order down, in place of one for the same dependency."""
        require_dependency(order.dependency)
        self._change(lambda orders: [*_but(orders, order.dependency), order], now=now)

    def lift(self, dependency: str, *, now: datetime) -> bool:
        """Take an order back; tell whether there was one."""
        require_dependency(dependency)
        had_one = any(order.dependency == dependency for order in self.standing(now))
        self._change(lambda orders: _but(orders, dependency), now=now)
        return had_one

    def _change(self, change: Change, *, now: datetime) -> None:
        with FileLock(self.path.with_suffix(".lock"), what="giving an order to breakers"):
            seen = self.look(now)
            if seen.is_damaged:
                self._move_aside()
            orders = tuple(change(seen.orders))
            write_atomically(self.path, msgspec.json.encode(_File(schema=_SCHEMA, orders=orders)))

    def _move_aside(self) -> None:
        try:
            self.path.replace(self.aside)
        except OSError as error:
            raise file_error(error, path=self.path, doing="move aside") from error


def new_order(
    dependency: str, *, kind: OverrideKind, owner: str, reason: str, seconds: float, now: datetime
) -> Order:
    """Return an order.

    Raises:
        UsageError: BRK002 it has no owner, BRK003 it stands for no time or too long.
    """
    if not owner.strip() or not owner.isprintable() or not reason.isprintable():
        raise UsageError(
            "an order needs an owner, in plain characters",
            code="BRK002",
            fix="say who answers for it: --owner anna",
        )
    if not 0 < seconds <= LONGEST.total_seconds():
        raise UsageError(
            "an order stands for some time, and at most for a day",
            code="BRK003",
            fix="such as --for 30m; what is to stay belongs into `resilience` of ops/service.yaml",
        )
    until = now.astimezone(UTC) + timedelta(seconds=seconds)
    return Order(dependency=dependency, kind=kind, owner=owner.strip(), reason=reason.strip(), until=until)


def require_dependency(name: str) -> None:
    """Refuse what has no breaker.

    Raises:
        UsageError: BRK001 there is no such dependency.
    """
    if name not in DEPENDENCIES:
        raise UsageError(
            f"no breaker is called `{name[:40]}`", code="BRK001", fix=f"one of: {', '.join(DEPENDENCIES)}"
        )


def _but(orders: Sequence[Order], dependency: str) -> list[Order]:
    return [order for order in orders if order.dependency != dependency]
