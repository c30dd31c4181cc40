"""How does an estimate look in a page of Markdown: written by the tool, never by hand."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from opsctl.clients.files import read_text
from opsctl.core.markdown_table import markdown_table
from opsctl.core.marked_part import with_part
from opsctl.costs.book import Point
from opsctl.costs.inputs import Input, Source
from opsctl.costs.model import BudgetCheck, Estimate, PointBill
from opsctl.costs.prices import Part
from opsctl.costs.words import (
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
from opsctl.ui.show_costs import verdict_sentence

BEGIN = "<!-- measured:begin (opsctl costs estimate --markdown FILE) -->"
END = "<!-- measured:end -->"
_MARKS = {Verdict.PASS: "✔", Verdict.FAIL: "✘", Verdict.INCONCLUSIVE: "?"}
_MOST_SWINGS = 10


def in_page(path: Path, text: str) -> str:
    """Return a page with the text between its marks; the text alone where there is no page, or it has no marks."""
    if not path.is_file():
        return text
    return with_part(read_text(path), text, begin=BEGIN, end=END) or text


def to_markdown(estimate: Estimate) -> str:
    """Return the estimate, ending with a newline."""
    return "\n".join(_lines(estimate)) + "\n"


def _lines(estimate: Estimate) -> Iterator[str]:
    told = doubt_words(estimate)
    if told is not None:
        yield f"**{told[0].upper()}{told[1:]}**: what follows is only as good as they are."
        yield ""
    yield f"{_MARKS[estimate.verdict]} {verdict_sentence(estimate)}."
    yield ""
    bills = [estimate.points[point] for point in Point]
    titles = [POINT_WORDS[point] for point in Point]
    yield markdown_table(("dollars a month", *titles), _bill_rows(bills, estimate))
    yield ""
    yield markdown_table(("budget", *titles), _budget_rows(estimate))
    saved = saving_words(estimate)
    if saved is not None:
        yield ""
        yield f"{saved[0].upper()}{saved[1:]}, at the {POINT_WORDS[estimate.binding]} load."
    yield from _swings(estimate)
    yield ""
    yield markdown_table(("number", "value", "from"), map(_input_row, estimate.inputs.by_quantity.values()))


def _input_row(known: Input) -> tuple[str, ...]:
    origin = known.origin
    simulated = f", simulated: {', '.join(origin.simulated)}" if origin.simulated else ""
    where = origin.where if origin.source is not Source.PLAN else f"the plan, `{origin.where}`"
    return known.quantity.value, number(known.value), f"{where}{simulated}"


def _bill_rows(bills: Sequence[PointBill], estimate: Estimate) -> Iterator[tuple[str, ...]]:
    for part in Part:
        parts = [next(each for each in bill.parts if each.part is part) for bill in bills]
        yield (
            f"{part.value} (`{parts[0].provider}`)",
            *(dollars(each.usd) if each.usd is not None else "unknown" for each in parts),
        )
    yield "**together**", *(f"**{_total(bill)}**" for bill in bills)
    yield "a user", *(dollars(bill.per_user_usd) for bill in bills)
    yield "1,000 feeds", *(dollars(bill.per_1000_feeds_usd) for bill in bills)
    yield "feeds that no cache has", *(share(bill.missed) for bill in bills)
    yield "without caches and batches", *(_total(estimate.before[point]) for point in Point)


def _total(bill: PointBill) -> str:
    return dollars(bill.month_usd) if bill.month_usd is not None else f"at least {dollars(bill.known_usd)}"


def _budget_rows(estimate: Estimate) -> Iterator[tuple[str, ...]]:
    for name in dict.fromkeys(check.name for check in estimate.budgets):
        checks = {check.point: check for check in estimate.budgets if check.name == name}
        cells = [_judged(checks[point]) for point in Point]
        yield budget_words(checks[estimate.binding]), *cells


def _judged(check: BudgetCheck) -> str:
    return _MARKS[check.verdict] if check.value is None else f"{_MARKS[check.verdict]} {amount(check)}"


def _swings(estimate: Estimate) -> Iterator[str]:
    if not estimate.swings:
        return
    yield ""
    rows = [
        (
            swing.name,
            dollars(swing.halved_usd),
            dollars(swing.doubled_usd),
            "breaks the budget" if swing.breaks else "",
        )
        for swing in estimate.swings[:_MOST_SWINGS]
    ]
    yield markdown_table(
        (f"input, at the {POINT_WORDS[estimate.binding]} load", "half of it", "twice", ""), rows
    )
