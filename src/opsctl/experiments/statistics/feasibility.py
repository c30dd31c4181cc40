"""Which experiments can find what they are looking for, by which day, with the traffic that there is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import product

from opsctl.experiments.effects import Effect
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.power import Design, detectable, units_needed
from opsctl.experiments.statistics.traffic import Traffic, days_until, reached

LONGEST_DAYS = 365
"""Beyond a year nobody waits, and nothing is the same as it was."""
_BEST_CORRELATION = 0.9  # no pre-period tells more


class Sharing(StrEnum):
    """How experiments divide the units."""

    AS_DECLARED = "as_declared"
    """By the layers of their books."""
    OVERLAPPING = "overlapping"
    """Each gets all; independent salts and the screen for interactions see to it."""
    EXCLUSIVE = "exclusive"
    """Each gets the same part, and no unit is in two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one experiment wants to find; of several metrics and arms the hardest, or one demand for each.

    Args:
        name: of the experiment.
        metric: which one of its metrics.
        design: of the test.
        mean: of the metric in the control.
        effect: the smallest that is worth finding, or the margin.
        days: until the horizon.
        share: of all units, by layers, ramp and holdout.
        open_share: the same without layers.
        lag_days: from a unit's first exposure until it counts; who comes later than that before the horizon never does.
        earliest_days: until the stopping rule finds the effect with the design's power, however many units come: the
            horizon, but for a rule that may always be looked at.
    """

    name: str
    metric: str
    design: Design
    mean: float
    effect: Effect
    days: float
    share: float = 1.0
    open_share: float = 1.0
    lag_days: float = 0.0
    earliest_days: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.share <= 1 and self.share <= self.open_share <= 1 and 0 < self.days < math.inf):
            raise ValueError(f"`{self.name}` needs a share of the units above 0, and a horizon")
        if not (0 <= self.lag_days < math.inf and 0 <= self.earliest_days < math.inf):
            raise ValueError(f"`{self.name}`: nothing counts before it is there")
        if not 0 < self.size < math.inf:
            raise ValueError(f"`{self.name}`: {self.effect.size:.0%} of a `{self.metric}` of 0 is no effect")

    @property
    def size(self) -> float:
        """Return the effect in the metric's own unit."""
        return self.effect.absolute(self.mean)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far one experiment gets.

    Args:
        demand: what it wants.
        sharing: how units are divided.
        with_pre_period: whether CUPED is counted on.
        units: in it by the horizon, over all arms, and so long that they count.
        units_needed: ... for its effect.
        days_needed: until those have come and count; None where that is never, or takes more than a year.
        detectable: the smallest difference that is found by the horizon, in the metric's own unit.
        detectable_share: the same as a share of the control's value; infinite where that is 0.
        share_needed: of all units that come and count by the horizon; above 1 where all are too few.
        refusal: why it is hopeless; None where it is not.
        advice: what would help, the least trouble first.
    """

    demand: Demand
    sharing: Sharing
    with_pre_period: bool
    units: int
    units_needed: int
    days_needed: int | None
    detectable: float
    detectable_share: float
    share_needed: float
    refusal: CannotTell | None
    advice: tuple[str, ...]

    @property
    def done_days(self) -> int | None:
        """Return after how many days there is a verdict: the units count, and the stopping rule allows one."""
        if self.days_needed is None:
            return None
        return max(self.days_needed, math.ceil(self.demand.earliest_days))

    def done_on(self, start: date) -> date | None:
        """Return the day of the verdict; None where that is never."""
        return None if self.done_days is None else start + timedelta(days=self.done_days)


def solve(
    demands: Sequence[Demand],
    traffic: Traffic,
    *,
    sharing: Sharing = Sharing.AS_DECLARED,
    with_pre_period: bool = True,
) -> tuple[Reach, ...]:
    """Return how far each experiment gets, all of them running at the same time.

    Args:
        demands: of all of them; several of one experiment share its units.
        traffic: who comes.
        sharing: how they divide the units.
        with_pre_period: whether CUPED is counted on, where the baseline knows a correlation.
    """
    experiments = len({demand.name for demand in demands})
    return tuple(
        _reach(demand, traffic, sharing=sharing, with_pre_period=with_pre_period, experiments=experiments)
        for demand in demands
    )


def solve_all(
    demands: Sequence[Demand], traffic: Traffic
) -> Mapping[tuple[Sharing, bool], tuple[Reach, ...]]:
    """Return the same for each way to divide the units, with and without CUPED: what a plan shows side by side."""
    return {
        (sharing, with_pre_period): solve(demands, traffic, sharing=sharing, with_pre_period=with_pre_period)
        for sharing, with_pre_period in product(Sharing, (True, False))
    }


def exclusive_days(demands: Sequence[Demand], traffic: Traffic) -> int | None:
    """Return how many days mutually exclusive experiments need at best: each gets the part that it needs, not the same.

    All units are divided in proportion to what each experiment's hardest metric needs, so all end on the same day. None
    where that is never, or takes more than a year.
    """
    needs: dict[str, float] = {}
    lag, earliest = max(each.lag_days for each in demands), max(each.earliest_days for each in demands)
    for demand in demands:
        needed = units_needed(demand.design, demand.size) / demand.open_share
        needs[demand.name] = max(needs.get(demand.name, 0.0), needed)
    days = _whole_days(traffic, sum(needs.values()), lag=lag)
    return None if days is None else max(days, math.ceil(earliest))


def _reach(
    demand: Demand, traffic: Traffic, *, sharing: Sharing, with_pre_period: bool, experiments: int
) -> Reach:
    design = demand.design if with_pre_period else replace(demand.design, correlation=0.0)
    share = _share(demand, sharing, experiments)
    come = reached(traffic, max(demand.days - demand.lag_days, 0.0))
    units, needed = _whole(come * share), units_needed(design, demand.size)
    is_enough = units >= needed
    smallest = detectable(design, max(units, 1))
    reach = Reach(
        demand=demand,
        sharing=sharing,
        with_pre_period=with_pre_period,
        units=units,
        units_needed=needed,
        days_needed=_whole_days(traffic, needed / share, lag=demand.lag_days),
        detectable=smallest,
        detectable_share=smallest / abs(demand.mean) if demand.mean else math.inf,
        share_needed=needed / come if come else math.inf,
        refusal=None if is_enough else _refusal(demand, units=units, needed=needed),
        advice=(),
    )
    return reach if is_enough else replace(reach, advice=_advice(reach, design, share=share))


def _share(demand: Demand, sharing: Sharing, experiments: int) -> float:
    match sharing:
        case Sharing.AS_DECLARED:
            return demand.share
        case Sharing.OVERLAPPING:
            return demand.open_share
        case Sharing.EXCLUSIVE:
            return demand.open_share / experiments


def _whole(units: float) -> int:
    return math.floor(units + 1e-6)  # of a thousand that are there 999.9999999 come, by rounding


def _whole_days(traffic: Traffic, units: float, *, lag: float = 0.0) -> int | None:
    days = days_until(traffic, units - 1e-6) + lag
    return math.ceil(days) if days <= LONGEST_DAYS else None


def _refusal(demand: Demand, *, units: int, needed: int) -> CannotTell:
    return CannotTell(
        code="EXP093",
        because=f"`{demand.metric}` of `{demand.name}` needs {needed:,} units for an effect of {_shown(demand.effect)}, "
        f"and {units:,} come{' and count' if demand.lag_days else ''} in {demand.days:g} days",
    )


def _advice(reach: Reach, design: Design, *, share: float) -> tuple[str, ...]:
    """Return all single changes that would be enough, and the smaller question that could be answered."""
    demand, advice = reach.demand, list[str]()
    if reach.days_needed is not None:
        advice.append(f"{reach.days_needed} days would be enough")
    if share < demand.open_share and demand.open_share >= reach.share_needed:
        advice.append("sharing units with the other experiments would be enough: it would get all of them")
    if demand.open_share < reach.share_needed <= 1:
        advice.append(f"letting in {math.ceil(100 * reach.share_needed)} % of all units would be enough")
    correlation = _helpful_correlation(reach, design)
    if correlation is not None:
        advice.append(f"a pre-period that correlates by {correlation:.2f} or more would be enough (CUPED)")
    relative = "" if math.isinf(reach.detectable_share) else f", {reach.detectable_share:.1%} of the control"
    if not reach.units:
        late = f"who comes counts after {demand.lag_days:g} days" if demand.lag_days else "nobody comes"
        return (*advice, f"nobody counts by the horizon: {late}")
    advice.append(
        f"an effect of {reach.detectable:.3g} or more{relative} can be found with the units that come"
    )
    if reach.days_needed is None and reach.share_needed > 1:
        advice.append(f"it would need {reach.share_needed:.1f} times all units that come")
    return tuple(advice)


def _helpful_correlation(reach: Reach, design: Design) -> float | None:
    """Return the correlation with which the units that come would be enough; None where none is likely to be so good."""
    without = units_needed(replace(design, correlation=0.0), reach.demand.size)
    left = reach.units / without
    correlation = math.sqrt(1 - left) if left < 1 else 0.0
    return math.ceil(100 * correlation) / 100 if correlation <= _BEST_CORRELATION else None


def _shown(effect: Effect) -> str:
    return f"{100 * effect.size:.3g}%" if effect.is_relative else f"{effect.size:.3g}"
