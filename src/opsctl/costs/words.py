"""How are money, budgets and loads written for people: cents where they matter, and never a figure for what nobody knows."""

from decimal import Decimal

from opsctl.costs.book import Point
from opsctl.costs.model import BudgetCheck, Estimate

POINT_WORDS = {
    Point.AVERAGE: "average",
    Point.PEAK_HOUR: "peak hour",
    Point.SUSTAINED: "sustained",
}
NOT_COUNTED = (
    "people",
    "taxes",
    "support",
    "backups",
    "an L2 that several machines share",
    "traffic between providers",
    "disks of containers",
)
"""What no part of the bill holds."""
_BUDGET_WORDS = {
    "month_usd": "a month",
    "user_usd": "a user and month",
    "reduction_ratio": "saved by caches and batches",
}


def dollars(value: Decimal | None) -> str:
    """Return an amount: cents up to a thousand dollars, more digits below a cent.

    >>> [dollars(Decimal(each)) for each in ("0", "0.00432", "12.5", "7886.1")]
    ['$0.00', '$0.0043', '$12.50', '$7,886']
    """
    if value is None:
        return "?"
    if value and abs(value) < Decimal("0.1"):
        return f"${value:.2g}" if abs(value) >= Decimal("0.0001") else "<$0.0001"
    return f"${value:,.0f}" if abs(value) >= 1000 else f"${value:.2f}"


def share(value: Decimal | None) -> str:
    """Return a part of a whole.

    >>> share(Decimal("0.4231"))
    '42.3 %'
    """
    return "?" if value is None else f"{value * 100:.1f} %"


def number(value: Decimal | None) -> str:
    """Return a number for people: whole from a thousand on, else four digits, and never an exponent.

    >>> [number(Decimal(each)) for each in ("10000", "168412345.6", "128.754", "0.000333333", "0")]
    ['10,000', '168,412,346', '128.8', '0.0003333', '0']
    """
    if value is None:
        return "unknown"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    rounded = Decimal(f"{value:.4g}")
    return f"{rounded.normalize():f}" if rounded else "0"


def amount(check: BudgetCheck) -> str:
    """Return what came out for a budget."""
    value = share(check.value) if check.name == "reduction_ratio" else dollars(check.value)
    return f"≥ {value}" if check.at_least and check.value is not None else value


def budget_words(check: BudgetCheck, *, is_short: bool = False) -> str:
    """Return what a budget asks for; in short where the line is full."""
    if check.name == "reduction_ratio":
        by_what = "saved" if is_short else _BUDGET_WORDS[check.name]
        return f"more than {share(check.limit)} {by_what}"
    return f"less than {dollars(check.limit)} {_BUDGET_WORDS[check.name]}"


def saving_words(estimate: Estimate) -> str | None:
    """Return which parts of the bill caches and batches make smaller; None where nobody knows of any."""
    saved = {part: each for part, each in estimate.saved_by_part.items() if each}
    if not saved:
        return None
    return "saved by part: " + ", ".join(f"{part} {share(each)}" for part, each in saved.items())


def doubt_words(estimate: Estimate) -> str | None:
    """Return what the headline says of the prices; None where all can be believed."""
    doubts, told = estimate.doubts, []
    if doubts.unverified:
        told.append(f"{_count(len(doubts.unverified), doubts.used)} not verified")
    if doubts.stale:
        told.append(f"{_count(len(doubts.stale), doubts.used)} too old")
    return " and ".join(told) or None


def _count(number: int, used: tuple[str, ...]) -> str:
    """Return how many of the prices that are used."""
    return f"all {number} prices are" if number == len(used) else f"{number} of {len(used)} prices are"
