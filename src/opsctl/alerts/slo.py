"""What does an objective become: ratios over each window, recorded once, and an alert for each pair of windows.

All ratios come from counts (`increase(bad) / increase(all)`), never from averages of ratios: twenty quiet minutes must
not weigh as much as twenty busy ones, and a window without any event must not spoil the month.
"""

from collections.abc import Iterator
from decimal import Decimal

from opsctl.alerts.book import BurnTier, LatencyIndicator, Objective
from opsctl.alerts.promql_text import bucket_bound, duration, number, selection
from opsctl.alerts.rules import RecordingRule
from opsctl.alerts.target import Histograms, Target
from opsctl.core.units import parse_duration

_HOUR = "1h"


def error_budget(objective: Objective) -> Decimal:
    """Return the share of events that may go wrong.

    >>> Decimal("100") - Decimal(repr(99.9))
    Decimal('0.1')
    """
    return (Decimal(100) - Decimal(repr(objective.objective))) / 100


def burn_threshold(objective: Objective, tier: BurnTier) -> Decimal:
    """Return the share of bad events above which a tier fires: `factor * (1 - objective)`."""
    return Decimal(repr(tier.factor)) * error_budget(objective)


def is_feasible(objective: Objective, tier: BurnTier) -> bool:
    """Tell whether a tier can fire at all: below 93.06 % not even a total outage burns 14.4 times too fast."""
    return burn_threshold(objective, tier) < 1


def all_events(objective: Objective, *, seconds: float, target: Target, function: str = "rate") -> str:
    """Return how many events there were."""
    indicator = objective.indicator
    if isinstance(indicator, LatencyIndicator):
        selected = selection(indicator.of)
        if target.histograms is Histograms.NATIVE:
            return f"histogram_count(sum({function}({selected.over(seconds)})))"
        return f"sum({function}({selected.suffixed('_count').over(seconds)}))"
    return f"sum({function}({selection(indicator.to).over(seconds)}))"


def bad_ratio(objective: Objective, *, seconds: float, target: Target, function: str = "rate") -> str:
    """Return the share of bad events; nothing where there were none at all."""
    indicator = objective.indicator
    total = all_events(objective, seconds=seconds, target=target, function=function)
    if not isinstance(indicator, LatencyIndicator):
        return f"sum({function}({selection(indicator.of).over(seconds)})) / ({total} > 0)"
    selected = selection(indicator.of)
    if target.histograms is Histograms.NATIVE:
        bound = number(indicator.within_seconds)
        return f"1 - histogram_fraction(0, {bound}, sum({function}({selected.over(seconds)})))"
    good = selected.suffixed("_bucket").matching(f'le="{bucket_bound(indicator.within_seconds)}"')
    return f"1 - sum({function}({good.over(seconds)})) / ({total} > 0)"


def ratio_name(window: str) -> str:
    """Return the name of the recorded ratio over a window, such as `slo:errors:ratio_rate5m`."""
    return f"slo:errors:ratio_rate{duration(parse_duration(window))}"


def recordings(
    name: str, objective: Objective, *, service: str, group: str, target: Target
) -> Iterator[RecordingRule]:
    """Yield the recorded series of an objective, those that others read first."""
    labels = {"slo": name, "service": service}

    def record(series: str, expr: str) -> RecordingRule:
        return RecordingRule(name=series, group=group, expr=expr, labels=labels)

    for window in _windows(objective):
        seconds = parse_duration(window)
        yield record(ratio_name(window), bad_ratio(objective, seconds=seconds, target=target))
    budget = number(error_budget(objective))
    yield record("slo:objective:ratio", f"vector({number(1 - error_budget(objective))})")
    yield record("slo:error_budget:ratio", f"vector({budget})")
    hour = f"{ratio_name(_HOUR)}{_of(name, service)}"
    yield record("slo:burn_rate:ratio_rate1h", f"{hour} / {budget}")
    period = bad_ratio(
        objective, seconds=parse_duration(objective.period), target=target, function="increase"
    )
    yield record("slo:error_budget_remaining:ratio", f"1 - ({period}) / {budget}")


def burn_expression(name: str, objective: Objective, tier: BurnTier, *, service: str, target: Target) -> str:
    """Return the expression of a tier: both windows burn too fast, and there were events enough to judge by."""
    bound = number(burn_threshold(objective, tier))
    of = _of(name, service)
    expr = f"{ratio_name(tier.long)}{of} > {bound}\nand\n{ratio_name(tier.short)}{of} > {bound}"
    if objective.min_events <= 0:
        return expr
    counted = all_events(objective, seconds=parse_duration(tier.short), target=target, function="increase")
    return f"{expr}\nand on ()\n{counted} >= {number(objective.min_events)}"


def burn_rate(name: str, objective: Objective, tier: BurnTier, *, service: str) -> str:
    """Return how many times too fast the budget burns over the long window, for drawing."""
    return f"{ratio_name(tier.long)}{_of(name, service)} / {number(error_budget(objective))}"


def absent_expression(objective: Objective, *, target: Target) -> str:
    """Return whether what the objective is measured by is missing altogether."""
    indicator = objective.indicator
    if isinstance(indicator, LatencyIndicator):
        selected = selection(indicator.of)
        return (
            f"absent({selected if target.histograms is Histograms.NATIVE else selected.suffixed('_count')})"
        )
    return f"absent({selection(indicator.to)})"


def _windows(objective: Objective) -> list[str]:
    """Return every window once, the shortest first, with the hour by which the burn is shown."""
    windows = {
        parse_duration(each): each for tier in objective.tiers.values() for each in (tier.short, tier.long)
    }
    return [duration(seconds) for seconds in sorted({*windows, parse_duration(_HOUR)})]


def _of(name: str, service: str) -> str:
    return f'{{slo="{name}",service="{service}"}}'
