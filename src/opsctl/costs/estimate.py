"""What does the plan cost at three loads, are the budgets kept, and what do caching and batching save?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from opsctl.core.errors import UsageError
from opsctl.costs.bill import NotSoldError, bill_of
from opsctl.costs.book import OWN, CostsBook, Point
from opsctl.costs.doubts import doubts_of
from opsctl.costs.inputs import Inputs, Quantity, UnknownInputsError
from opsctl.costs.load import Load, Practice, load_at
from opsctl.costs.model import BudgetCheck, Estimate, PartBill, PointBill
from opsctl.costs.prices import Part, PricesBook, Provider
from opsctl.costs.sensitivity import swings_of
from opsctl.costs.usage import usage_of
from opsctl.evidence.model import Verdict

_WITHOUT = Practice(caches=False, batches=False)
_MAY_BE_OWN = frozenset({Part.EDGE, Part.MODEL, Part.EMBEDDING})


def estimate(plan: CostsBook, *, prices: PricesBook, inputs: Inputs, today: date) -> Estimate:
    """Return the whole estimate.

    Args:
        plan: what is planned.
        prices: what each thing costs.
        inputs: what a feed needs, and what the plan says.
        today: by which the age of prices is judged.

    Raises:
        UsageError: CST001 a part is filled by nobody that the price book knows.
    """
    providers = providers_of(plan, prices=prices)
    points = {point: bill_at(point, plan, providers=providers, inputs=inputs) for point in Point}
    before = {
        point: bill_at(point, plan, providers=providers, inputs=inputs, practice=_WITHOUT) for point in Point
    }
    reductions = {point: _reduction(before[point], points[point]) for point in Point}
    budgets = tuple(
        check for point in Point for check in _checks(points[point], before=before[point], plan=plan)
    )
    binding = plan.budgets.at
    return Estimate(
        points=points,
        before=before,
        reductions=reductions,
        binding=binding,
        budgets=budgets,
        swings=swings_of(
            inputs,
            plan=plan,
            providers=providers,
            bill=lambda those, sellers: bill_at(binding, plan, providers=sellers, inputs=those),
        ),
        doubts=doubts_of([*points.values(), *before.values()], prices=prices, today=today),
        inputs=inputs,
        verdict=_verdict([check for check in budgets if check.point is binding]),
    )


def providers_of(plan: CostsBook, *, prices: PricesBook) -> dict[Part, Provider | None]:
    """Return who fills each part, None for the service's own process.

    Raises:
        UsageError: CST001 with what there is to choose from.
    """
    return {part: _provider(part, plan.providers.of(part), prices=prices) for part in Part}


def bill_at(
    point: Point,
    plan: CostsBook,
    *,
    providers: Mapping[Part, Provider | None],
    inputs: Inputs,
    practice: Practice = Practice(),  # noqa: B008 - frozen
) -> PointBill:
    """Return the bill of a load; what is not known stays so, part by part."""
    load = load_at(point, inputs=inputs, practice=practice)
    return PointBill(
        point=point,
        feeds=load.asked,
        missed=load.missed_ratio,
        users=inputs.one(Quantity.USERS),
        parts=parts_of(load, plan, providers=providers),
    )


def parts_of(
    load: Load, plan: CostsBook, *, providers: Mapping[Part, Provider | None]
) -> tuple[PartBill, ...]:
    """Return what each part of a month costs."""
    return tuple(_part(part, load=load, plan=plan, provider=providers[part]) for part in Part)


def _part(part: Part, *, load: Load, plan: CostsBook, provider: Provider | None) -> PartBill:
    bill = PartBill(part=part, provider=plan.providers.of(part), usd=None)
    try:
        usage = usage_of(part, load=load, plan=plan, provider=provider)
        lines = () if provider is None else bill_of(provider, usage)
    except UnknownInputsError as error:
        return replace(bill, unknown=error.quantities)
    except NotSoldError as error:
        return replace(bill, why=str(error))
    return replace(bill, usd=sum((line.usd for line in lines), Decimal(0)), lines=lines)


def _provider(part: Part, name: str, *, prices: PricesBook) -> Provider | None:
    if name == OWN and part in _MAY_BE_OWN:
        return None
    found = prices.providers.get(name)
    if found is None or part not in found.parts:
        known = [each for each, provider in prices.providers.items() if part in provider.parts]
        known += [OWN] if part in _MAY_BE_OWN else []
        raise UsageError(
            f"`providers.{part}` is `{name}`, which the price book does not know for that part",
            code="CST001",
            fix=f"choose one of: {', '.join(known) or 'none yet'}; or write its prices into the price book",
        )
    return found


def _reduction(before: PointBill, after: PointBill) -> Decimal | None:
    if not before.month_usd or after.month_usd is None:
        return None
    return 1 - after.month_usd / before.month_usd


def _checks(bill: PointBill, *, before: PointBill, plan: CostsBook) -> Iterator[BudgetCheck]:
    budgets = plan.budgets
    yield _below("month_usd", bill, limit=budgets.month_usd, known=bill.known_usd)
    yield _below("user_usd", bill, limit=budgets.user_usd, known=bill.known_usd / bill.users)
    yield _saved(before, bill, limit=Decimal(str(budgets.reduction_ratio)))


def _saved(before: PointBill, after: PointBill, *, limit: Decimal) -> BudgetCheck:
    """Judge what is saved; of a bill without savings whose known part is large enough, no more need be known."""
    saved, is_whole = _reduction(before, after), before.month_usd is not None
    if saved is None and after.month_usd is not None and before.known_usd > after.month_usd:
        saved = 1 - after.month_usd / before.known_usd
    verdict = Verdict.INCONCLUSIVE
    if saved is not None and (is_whole or saved > limit):
        verdict = Verdict.PASS if saved > limit else Verdict.FAIL
    return BudgetCheck(
        name="reduction_ratio",
        point=after.point,
        limit=limit,
        value=saved,
        verdict=verdict,
        at_least=not is_whole,
    )


def _below(name: str, bill: PointBill, *, limit: Decimal, known: Decimal) -> BudgetCheck:
    """Judge a sum; one whose known part alone is too much is missed, whatever the rest may be."""
    is_whole = bill.month_usd is not None
    if_below = Verdict.PASS if is_whole else Verdict.INCONCLUSIVE
    verdict = Verdict.FAIL if known >= limit else if_below
    has_any = any(each.usd is not None for each in bill.parts)
    return BudgetCheck(
        name=name,
        point=bill.point,
        limit=limit,
        value=known if has_any else None,
        verdict=verdict,
        at_least=not is_whole,
    )


def _verdict(checks: list[BudgetCheck]) -> Verdict:
    verdicts = {check.verdict for check in checks}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE if Verdict.INCONCLUSIVE in verdicts else Verdict.PASS
