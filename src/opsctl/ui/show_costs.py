"""How does an estimate look: doubts first, then the bill at three loads, the budgets, what moves it, where numbers come from."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from opsctl.core.units import format_count, format_duration
from opsctl.costs.book import Point
from opsctl.costs.inputs import Input
from opsctl.costs.model import BudgetCheck, Estimate, PartBill, PointBill, Swing
from opsctl.costs.prices import Part
from opsctl.costs.words import (
    NOT_COUNTED,
    POINT_WORDS,
    amount,
    budget_words,
    dollars,
    doubt_words,
    number,
    saving_words,
    share,
)
from opsctl.evidence.model import Verdict
from opsctl.ui.console import hint, print_line, print_markup
from opsctl.ui.figures import VERDICT_WORDS
from opsctl.ui.table import show_table

_MARKS = {Verdict.PASS: "[green]✔[/]", Verdict.FAIL: "[red]✘[/]", Verdict.INCONCLUSIVE: "[yellow]?[/]"}
_BAR = 20
_MOST_SWINGS = 12
_WHY_WIDTH = 70
_VERDICT_WIDTH = 64  # beside the longest word of a verdict


def show_estimate(estimate: Estimate, *, now: datetime, whole: bool) -> None:
    """Print an estimate; `whole` also lists every input."""
    _show_doubts(estimate)
    show_table(("dollars a month", *(_title(each, estimate) for each in Point)), list(_rows(estimate)))
    _show_unknown(estimate)
    for place, line in enumerate(_wrapped(NOT_COUNTED)):
        print_line(f"{'             ' if place else 'not counted: '}{line}")
    print_line("")
    _show_budgets(estimate.budgets, estimate)
    _show_swings(estimate)
    _show_inputs(list(estimate.inputs.by_quantity.values()), now=now, whole=whole)
    first, *more = textwrap.wrap(verdict_sentence(estimate), _VERDICT_WIDTH)
    print_markup(f"\n{VERDICT_WORDS[estimate.verdict]}: {first}")
    for line in more:
        print_line(f"  {line}")
    for command in _commands(estimate):
        hint(f"`{command}` measures what is missing or old")


def verdict_sentence(estimate: Estimate) -> str:
    """Return what it comes to."""
    at = POINT_WORDS[estimate.binding]
    binding = [check for check in estimate.budgets if check.point is estimate.binding]
    missed = [check for check in binding if check.verdict is Verdict.FAIL]
    unsure = [check for check in binding if check.verdict is Verdict.INCONCLUSIVE]
    if missed:
        return f"at the {at} load: " + "; ".join(
            f"{amount(each)}, not {budget_words(each)}" for each in missed
        )
    if unsure:
        return f"at the {at} load nobody can tell of: " + "; ".join(budget_words(each) for each in unsure)
    return f"at the {at} load every budget is kept"


def _show_doubts(estimate: Estimate) -> None:
    told = doubt_words(estimate)
    if told is None:
        return
    print_markup(f"[yellow]{told}[/]: what follows is only as good as they are")
    for title, names in (("not verified", estimate.doubts.unverified), ("too old", estimate.doubts.stale)):
        for place, line in enumerate(_wrapped(names)):
            lead = f"{title}:" if place == 0 else " " * (len(title) + 1)
            print_line(f"  {lead} {line}")
    print_line("")


def _wrapped(names: Sequence[str]) -> Iterator[str]:
    line = ""
    for name in names:
        if line and len(line) + len(name) > 56:
            yield line + ","
            line = ""
        line += f", {name}" if line else name
    if line:
        yield line


def _title(point: Point, estimate: Estimate) -> str:
    return f"{POINT_WORDS[point]}*" if point is estimate.binding else POINT_WORDS[point]


def _rows(estimate: Estimate) -> Iterator[tuple[str, ...]]:
    bills = [estimate.points[point] for point in Point]
    for part in Part:
        yield part.value, *(_cell(bill, part) for bill in bills)
    yield "[bold]together[/]", *(f"[bold]{_total(bill)}[/]" for bill in bills)
    yield "a user", *(dollars(bill.per_user_usd) for bill in bills)
    yield "1,000 feeds", *(dollars(bill.per_1000_feeds_usd) for bill in bills)
    yield "feeds a month", *(_feeds(bill.feeds) for bill in bills)
    yield "of them made", *(share(bill.missed) for bill in bills)
    without = [estimate.before[point] for point in Point]
    yield "[dim]without caches and batches[/]", *(f"[dim]{_total(bill)}[/]" for bill in without)


def _cell(bill: PointBill, part: Part) -> str:
    found = next(each for each in bill.parts if each.part is part)
    return dollars(found.usd) if found.usd is not None else "[yellow]unknown[/]"


def _total(bill: PointBill) -> str:
    if bill.month_usd is not None:
        return dollars(bill.month_usd)
    known = any(each.usd is not None for each in bill.parts)
    return f"≥ {dollars(bill.known_usd)}" if known else "unknown"


def _feeds(number: Decimal | None) -> str:
    if number is None:
        return "?"
    return f"{number / 10**6:,.0f} M" if number >= 10**7 else format_count(float(number))


def _show_unknown(estimate: Estimate) -> None:
    if estimate.binding in estimate.points:
        print_line(
            f"* here the budgets bind; {format_count(float(estimate.points[estimate.binding].users))} users"
        )
    reasons: dict[str, list[str]] = {}
    for point, bill in estimate.points.items():
        for part in bill.parts:
            if part.usd is None:
                reasons.setdefault(_why(part), []).append(f"{part.part.value} at {POINT_WORDS[point]}")
    for why, places in reasons.items():
        for place, line in enumerate(textwrap.wrap(why, _WHY_WIDTH)):
            print_line(f"{'         ' if place else 'unknown: '}{line}")
        for line in _wrapped(places):
            print_line(f"         {line}")


def _why(part: PartBill) -> str:
    return part.why or "nobody has measured " + "; ".join(part.unknown)


def _show_budgets(budgets: Sequence[BudgetCheck], estimate: Estimate) -> None:
    rows = []
    for name in dict.fromkeys(check.name for check in budgets):
        checks = {check.point: check for check in budgets if check.name == name}
        cells = [_judged(checks[point]) for point in Point]
        rows.append((budget_words(checks[estimate.binding], is_short=True), *cells))
    show_table(("budget", *(_title(each, estimate) for each in Point)), rows)
    told = saving_words(estimate)
    if told is not None:
        print_line(told)


def _judged(check: BudgetCheck) -> str:
    return _MARKS[check.verdict] if check.value is None else f"{_MARKS[check.verdict]} {amount(check)}"


def _show_swings(estimate: Estimate) -> None:
    usd = estimate.points[estimate.binding].month_usd
    if usd is None or not estimate.swings:
        return
    print_line(f"\nhalf and twice of each input, at {dollars(usd)} a month")
    for line in swing_lines(estimate.swings[:_MOST_SWINGS], usd=usd):
        print_markup(line)
    if any(swing.breaks for swing in estimate.swings[:_MOST_SWINGS]):
        print_line("  ✘ breaks a budget that is kept without it")
    if len(estimate.swings) > _MOST_SWINGS:
        print_line(f"  and {len(estimate.swings) - _MOST_SWINGS} that move it less (`--json` has all)")


def swing_lines(swings: Sequence[Swing], *, usd: Decimal) -> Iterator[str]:
    """Yield a line for each swing: name, bar around the bill as it is, and where it goes."""
    from rich.markup import escape

    ends = [end for swing in swings for end in (swing.halved_usd, swing.doubled_usd) if end is not None]
    low, high = min([usd, *ends]), max([usd, *ends])
    width = max(len(swing.name) for swing in swings)
    for swing in swings:
        bar = _bar(swing, usd=usd, low=low, high=high)
        broken = " [red]✘[/]" if swing.breaks else ""
        figures = f"{dollars(swing.halved_usd):>8} {dollars(swing.doubled_usd):>8}"
        yield f"  {escape(f'{swing.name:<{width}}')} {bar} {figures}{broken}"


def _bar(swing: Swing, *, usd: Decimal, low: Decimal, high: Decimal) -> str:
    def place(value: Decimal) -> int:
        return int((value - low) / (high - low) * (_BAR - 1)) if high > low else 0

    ends = [place(each) for each in (swing.halved_usd, swing.doubled_usd) if each is not None]
    # What cannot be bought goes beyond every end.
    last = _BAR - 1 if None in (swing.halved_usd, swing.doubled_usd) else max([place(usd), *ends])
    first, middle = min([place(usd), *ends]), place(usd)
    cells = ["█" if first <= each <= last else " " for each in range(_BAR)]
    cells[middle] = "│"
    return "".join(cells)


def _show_inputs(inputs: Sequence[Input], *, now: datetime, whole: bool) -> None:
    print_line("")
    groups: dict[str, list[Input]] = {}
    for each in inputs:
        groups.setdefault(each.origin.where, []).append(each)
    for where, members in groups.items():
        origin = members[0].origin
        age = ""
        if origin.recorded_at is not None:
            age = f", {format_duration(max(0.0, (now - origin.recorded_at).total_seconds()))} old"
        stale = " [yellow](stale)[/]" if origin.is_stale else ""
        stale += " [yellow](missed its gates)[/]" if origin.is_bad else ""
        print_markup(f"{_count_from(where, members)}{age}{stale}")
        if origin.simulated:
            print_line(f"  simulated: {', '.join(origin.simulated)}")
        if whole:
            for each in members:
                print_line(f"  {each.quantity.value:<36} {number(each.value)}")


def _count_from(where: str, members: Sequence[Input]) -> str:
    """Return how many numbers come from somewhere; of none that is known, that they are missing."""
    known = sum(each.value is not None for each in members)
    together = "1 number" if len(members) == 1 else f"{len(members)} numbers"
    if not known:
        return f"{together} unknown: {where}"
    return f"{together if known == len(members) else f'{known} of {together}'} from {where}"


def _commands(estimate: Estimate) -> list[str]:
    """Return the commands that measure what is unknown at any load, or stale."""
    needed = {name for bill in estimate.points.values() for name in bill.unknown}
    return list(
        dict.fromkeys(
            each.origin.produce
            for each in estimate.inputs.by_quantity.values()
            if each.origin.produce and (each.origin.is_stale or each.quantity in needed)
        )
    )
