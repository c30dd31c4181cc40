"""What an estimate holds: bills at three loads, budgets with their verdicts, and what may be wrong with the prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from opsctl.costs.bill import Line
from opsctl.costs.book import Point
from opsctl.costs.inputs import Inputs, Quantity
from opsctl.costs.prices import Part
from opsctl.evidence.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBill:
    """What one part costs a month; without `usd` nobody knows, and either `unknown` or `why` says the reason."""

    part: Part
    provider: str
    usd: Decimal | None
    lines: tuple[Line, ...] = ()
    unknown: tuple[Quantity, ...] = ()
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointBill:
    """What one load costs a month.

    Args:
        feeds: asked for in the month.
        missed: part of them that must be made; None where nobody has measured it.
        users: among whom it is shared out.
    """

    point: Point
    feeds: Decimal
    missed: Decimal | None
    users: Decimal
    parts: tuple[PartBill, ...]

    @property
    def known_usd(self) -> Decimal:
        """Return the sum of what is known: it costs at least that."""
        return sum((each.usd for each in self.parts if each.usd is not None), Decimal(0))

    @property
    def month_usd(self) -> Decimal | None:
        """Return what a month costs; None where a part is not known."""
        return None if any(each.usd is None for each in self.parts) else self.known_usd

    @property
    def per_user_usd(self) -> Decimal | None:
        """Return what a user costs a month."""
        return None if self.month_usd is None else self.month_usd / self.users

    @property
    def per_1000_feeds_usd(self) -> Decimal | None:
        """Return what a thousand feeds cost."""
        return None if self.month_usd is None else self.month_usd / self.feeds * 1000

    @property
    def unknown(self) -> tuple[Quantity, ...]:
        """Return the inputs that nobody has measured, once each."""
        names = [name for part in self.parts for name in part.unknown]
        names += [Quantity.MISS_AT_PEAK] if self.missed is None else []
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCheck:
    """One budget at one load; a value of None is not known.

    Args:
        name: such as `month_usd`.
        limit: of the book.
        value: what comes out.
        verdict: inconclusive where nobody knows.
        at_least: the value is a lower bound, for want of some part.
    """

    name: str
    point: Point
    limit: Decimal
    value: Decimal | None
    verdict: Verdict
    at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """What the bill at the binding load would be with one input halved, and doubled; None where that cannot be bought."""

    name: str
    halved_usd: Decimal | None
    doubled_usd: Decimal | None
    breaks: bool
    """Whether one of them misses the budget that is kept without it."""

    def spread_from(self, usd: Decimal) -> Decimal:
        """Return how far the bill moves at most; what cannot be bought moves it without end."""
        ends = (self.halved_usd, self.doubled_usd)
        return max((Decimal("Infinity") if end is None else abs(end - usd)) for end in ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDoubts:
    """Which of the prices that are used nobody has verified, and which were read too long ago."""

    used: tuple[str, ...]
    unverified: tuple[str, ...]
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What `costs estimate` found.

    Args:
        points: the bills with caches and batches.
        before: the same loads without both.
        reductions: part of the bill that both save, by load; None where one of the two bills is not known.
        binding: the load at which the budgets bind.
        swings: the widest first.
    """

    points: Mapping[Point, PointBill]
    before: Mapping[Point, PointBill]
    reductions: Mapping[Point, Decimal | None]
    binding: Point
    budgets: tuple[BudgetCheck, ...]
    swings: tuple[Swing, ...]
    doubts: PriceDoubts
    inputs: Inputs
    verdict: Verdict

    @property
    def saved_by_part(self) -> dict[Part, Decimal]:
        """Return the part of each part's bill that both save at the binding load, where both bills are known."""
        pairs = zip(self.before[self.binding].parts, self.points[self.binding].parts, strict=True)
        return {
            after.part: 1 - after.usd / before.usd
            for before, after in pairs
            if before.usd and after.usd is not None
        }
