"""Which input moves the bill most, and which one breaks the budget when it is twice, or half, what we think?"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from opsctl.costs.book import CostsBook
from opsctl.costs.inputs import Inputs
from opsctl.costs.model import PointBill, Swing
from opsctl.costs.prices import Part, Price, Provider

Bills = Callable[[Inputs, Mapping[Part, Provider | None]], PointBill]

_HALF, _TWICE = Decimal("0.5"), Decimal(2)


def swings_of(
    inputs: Inputs, *, plan: CostsBook, providers: Mapping[Part, Provider | None], bill: Bills
) -> tuple[Swing, ...]:
    """Return how the bill moves with each input and each part's prices, the widest first.

    Args:
        inputs: those of the estimate.
        plan: with the budgets.
        providers: of each part.
        bill: makes up the bill at the binding load for other inputs or prices.
    """
    middle = bill(inputs, providers)
    if middle.month_usd is None:
        return ()
    usd = middle.month_usd
    swings = [
        _swing(name, low=low, high=high, middle=middle, plan=plan)
        for name, low, high in _changes(inputs, providers=providers, bill=bill)
    ]
    moved = [swing for swing in swings if swing.spread_from(usd) > 0]
    return tuple(sorted(moved, key=lambda each: (-each.spread_from(usd), each.name)))


def _changes(
    inputs: Inputs, *, providers: Mapping[Part, Provider | None], bill: Bills
) -> Iterator[tuple[str, PointBill, PointBill]]:
    for quantity in inputs.by_quantity:
        low, high = (bill(inputs.scaled(quantity, factor), providers) for factor in (_HALF, _TWICE))
        yield quantity.value, low, high
    for part, provider in providers.items():
        if provider is not None:
            low, high = (
                bill(inputs, {**providers, part: _priced(provider, factor)}) for factor in (_HALF, _TWICE)
            )
            yield f"prices of {part}", low, high


def _swing(name: str, *, low: PointBill, high: PointBill, middle: PointBill, plan: CostsBook) -> Swing:
    is_kept = _is_kept(middle, plan)
    return Swing(
        name=name,
        halved_usd=low.month_usd,
        doubled_usd=high.month_usd,
        breaks=is_kept and not (_is_kept(low, plan) and _is_kept(high, plan)),
    )


def _is_kept(bill: PointBill, plan: CostsBook) -> bool:
    if bill.month_usd is None or bill.per_user_usd is None:
        return False
    return bill.month_usd < plan.budgets.month_usd and bill.per_user_usd < plan.budgets.user_usd


def _priced(provider: Provider, factor: Decimal) -> Provider:
    prices = {name: _scaled(price, factor) for name, price in provider.prices.items()}
    return provider.model_copy(update={"prices": prices, "credit": provider.credit * factor})


def _scaled(price: Price, factor: Decimal) -> Price:
    tiers = [tier.model_copy(update={"value": tier.value * factor}) for tier in price.tiers]
    return price.model_copy(update={"value": price.value * factor, "tiers": tiers})
