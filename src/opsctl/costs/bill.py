"""What does a month's usage cost at a provider: allowances, tiers and whole instances, exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from opsctl.costs.prices import Price, Provider
from opsctl.costs.units import Meter

_NOTHING = Decimal(0)

CREDIT = "credit"
"""The line that takes a provider's credit off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the instances of a part must hold together, its busiest moment with headroom included."""

    cores: Decimal = _NOTHING
    memory_gib: Decimal = _NOTHING
    disk_gb: Decimal = _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a part uses in a month: by meter, and how large its instances must be where it has any."""

    meters: Mapping[Meter, Decimal] = field(default_factory=dict)
    size: Size | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a bill; `charged` is what is left of the quantity after the allowance."""

    price: str
    quantity: Decimal
    charged: Decimal
    usd: Decimal


class NotSoldError(Exception):
    """No offer of a provider holds what a part needs."""


def bill_of(provider: Provider, usage: Usage) -> tuple[Line, ...]:
    """Return the lines of a bill.

    Args:
        provider: whose prices hold.
        usage: of the month; a meter that the provider has no price for is not charged.

    Raises:
        NotSoldError: its instances are too small, or too few may be had.
    """
    lines = list(_of_meters(provider, usage.meters))
    if usage.size is not None and any(_is_instance(price) for price in provider.prices.values()):
        lines += _of_instances(provider, usage.size)
    return tuple(lines)


def charge(price: Price, quantity: Decimal) -> Decimal:
    """Return what a month's quantity costs: nothing up to the allowance, then tier by tier.

    >>> from datetime import date
    >>> price = Price(value=Decimal("0.30"), unit="per million requests", included=Decimal(10_000_000),
    ...               source="an example", retrieved=date(2026, 1, 1), verified=True)
    >>> charge(price, Decimal(15_000_000))
    Decimal('1.50')
    """
    begins = [price.included, *(tier.above for tier in price.tiers)]
    values = [price.value, *(tier.value for tier in price.tiers)]
    ends = [*begins[1:], max(quantity, begins[-1])]
    total = _NOTHING
    for begin, end, value in zip(begins, ends, values, strict=True):
        total += max(_NOTHING, min(quantity, end) - begin) / price.unit.size * value
    return total


def _of_meters(provider: Provider, meters: Mapping[Meter, Decimal]) -> Iterator[Line]:
    for name, price in provider.prices.items():
        if _is_instance(price):
            continue
        quantity = Decimal(1) if price.unit.meter is Meter.MONTHS else meters.get(price.unit.meter)
        if quantity is not None:
            charged = max(_NOTHING, quantity - price.included)
            yield Line(price=name, quantity=quantity, charged=charged, usd=charge(price, quantity))


def _of_instances(provider: Provider, size: Size) -> Iterator[Line]:
    offers = [
        (count * price.value / price.unit.size, count, name)
        for name, price in provider.prices.items()
        if _is_instance(price) and (count := _count(price, size)) is not None
    ]
    if not offers:
        raise NotSoldError(
            f"no offer of {provider.title} holds {size.cores:.2f} cores, {size.memory_gib:.2f} GiB of memory"
            f" and {size.disk_gb:.2f} GB of disk"
        )
    usd, count, name = min(offers)
    yield Line(price=name, quantity=Decimal(count), charged=Decimal(count), usd=usd)
    if provider.credit:
        yield Line(price=CREDIT, quantity=Decimal(1), charged=Decimal(1), usd=-min(usd, provider.credit))


def _count(price: Price, size: Size) -> int | None:
    """Return how many instances hold it, at least one; None where one may not have so many."""
    pairs = ((size.cores, price.vcpu), (size.memory_gib, price.memory_gib), (size.disk_gb, price.disk_gb))
    count = max(1, *(whole(need / each) for need, each in pairs if each is not None))
    return count if price.most is None or count <= price.most else None


def whole(number: Decimal) -> int:
    """Return the next whole number: half an instance cannot be bought.

    >>> [whole(Decimal(each)) for each in ("0", "1", "1.01")]
    [0, 1, 2]
    """
    return int(number.to_integral_value(rounding=ROUND_CEILING))


def _is_instance(price: Price) -> bool:
    return price.unit.meter is Meter.INSTANCES
