"""With what do the commands of `opsctl breakers` work: the service's metrics, and the file of orders."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from opsctl.service.resilience.orders import Order, OrdersFile


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBreaker:
    """A breaker or tier: `state` is the worst of all workers, None where the service does not answer."""

    name: str
    kind: str
    state: str | None
    opened: int
    owner: str | None = None
    order: str | None = None
    until: "datetime | None" = None
    reason: str | None = None


def seen() -> tuple[SeenBreaker, ...]:
    """Return every breaker and tier, with the orders that stand."""
    from opsctl.cli import wiring
    from opsctl.metrics import service as metrics
    from opsctl.service.resilience.failures import DEPENDENCIES

    _tell_if_damaged()
    samples, found = _samples(), []
    orders = {order.dependency: order for order in _file().standing(wiring.clock().now())}
    for name in DEPENDENCIES:
        order = orders.get(name)
        labels = {"dependency": name, "state": "open"}
        opened = _value(samples, metrics.BREAKER_CHANGES.name, labels) or 0
        state = _value(samples, metrics.BREAKER_STATE.name, {"dependency": name})
        found.append(_breaker(name, state=state, opened=int(opened), order=order))
    for tier in metrics.TIERS[:2]:
        state = _value(samples, metrics.TIER_STATE.name, {"tier": tier})
        found.append(SeenBreaker(name=tier, kind="tier", state=_word(state), opened=0))
    return tuple(found)


def order(dependency: str, kind: str, *, owner: str, reason: str, duration: str, as_json: bool) -> None:
    """Give an order and show it."""
    import typer
    from rich.markup import escape

    from opsctl.cli import wiring
    from opsctl.core.units import parse_duration
    from opsctl.service.resilience.breaker_model import OverrideKind
    from opsctl.service.resilience.orders import new_order
    from opsctl.ui.console import note

    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from error
    now = wiring.clock().now()
    given = new_order(
        dependency, kind=OverrideKind(kind), owner=owner, reason=reason, seconds=seconds, now=now
    )
    _tell_if_damaged(moves=True)
    before = next((each for each in _file().standing(now) if each.dependency == dependency), None)
    _file().give(given, now=now)
    if before is not None and not as_json:
        reason = f" ({before.reason})" if before.reason else ""
        note(escape(f"instead of: {before.kind.replace('_', ' ')}, ordered by {before.owner}{reason}"))
    _show(given, as_json=as_json)


def release(dependency: str, *, as_json: bool) -> None:
    """Take an order back."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.ui.console import note, print_document

    _tell_if_damaged(moves=True)
    had_one = _file().lift(dependency, now=wiring.clock().now())
    if as_json:
        print_document(document("opsctl.breakers.release", data={"was_ordered": had_one}, ok=True))
    else:
        note(f"{dependency} decides by itself again" if had_one else f"nothing was ordered of {dependency}")


def _tell_if_damaged(*, moves: bool = False) -> None:
    """Say that what stands in the place of orders is none; `moves`: what is done next moves it aside."""
    from opsctl.cli import wiring
    from opsctl.ui.console import warn

    file = _file()
    if file.look(wiring.clock().now()).is_damaged:
        moved = f"; it is moved to `{file.aside}`" if moves else ""
        warn(f"`{file.path}` is damaged, so whatever was ordered there does not hold{moved}")


def _show(given: "Order", *, as_json: bool) -> None:
    from opsctl.cli.document import document
    from opsctl.ui.console import hint, note, print_document

    if as_json:
        data = {name: getattr(given, name) for name in given.__struct_fields__}
        print_document(document("opsctl.breakers.order", data=data, ok=True))
        return
    note(f"{given.dependency} is {given.kind.replace('_', ' ')} until {given.until:%Y-%m-%d %H:%M:%S} UTC")
    hint(f"workers follow within two seconds; back: opsctl breakers release {given.dependency}")


def _file() -> "OrdersFile":
    from opsctl.cli import wiring
    from opsctl.service.cache.places import orders_path
    from opsctl.service.resilience.orders import OrdersFile

    return OrdersFile(orders_path(wiring.settings().home))


def _samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    from opsctl.cli import wiring
    from opsctl.clients.exposition import read_samples
    from opsctl.core.errors import OpsError

    try:
        read = read_samples(f"{wiring.service_address()}/metrics", headers={})
    except OpsError:
        return {}  # orders can be given and seen without a service, too
    return {(each.name, frozenset(each.labels.items())): each.value for each in read}


def _value(
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, labels: dict[str, str]
) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def _breaker(name: str, *, state: float | None, opened: int, order: "Order | None") -> SeenBreaker:
    if order is None:
        return SeenBreaker(name=name, kind="dependency", state=_word(state), opened=opened)
    return SeenBreaker(
        name=name,
        kind="dependency",
        state=order.kind if state is not None else None,
        opened=opened,
        owner=order.owner,
        order=order.kind,
        until=order.until,
        reason=order.reason or None,
    )


def _word(state: float | None) -> str | None:
    if state is None:
        return None
    return {0.0: "closed", 0.5: "half_open"}.get(state, "open")
