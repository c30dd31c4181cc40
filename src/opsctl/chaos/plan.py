"""How long does a drill last, and what may it cost: arithmetic on its book."""

from opsctl.chaos.book import Drill
from opsctl.chaos.steps import NOTHING, parts_of, step_seconds
from opsctl.core.units import parse_duration


def fault_seconds(drill: Drill) -> float:
    """Return the time from the first fault to the undo of the last; all of the method where nothing is broken."""
    steps = list(drill.method)
    if not drill.parts:
        return sum(step_seconds(step) for step in steps)
    breaking = [place for place, step in enumerate(steps) if parts_of(step)]
    return sum(step_seconds(step) for step in steps[breaking[0] : breaking[-1] + 1])


def least_seconds(drill: Drill) -> float:
    """Return how long a drill lasts where everything recovers at once."""
    return parse_duration(drill.baseline) + sum(step_seconds(step) for step in drill.method)


def most_seconds(drill: Drill) -> float:
    """Return how long a drill lasts at most: nothing recovers, and no alert ends."""
    ends = [parse_duration(alert.resolve_within) for alert in drill.expect.alerts]
    return least_seconds(drill) + max(
        [parse_duration(drill.expect.recovery), parse_duration(drill.expect.tier_recovery), *ends]
    )


def forecast_minutes(drill: Drill) -> float:
    """Return what a drill may burn, in minutes of the service level.

    One minute of it is what may fail in a minute of usual traffic, so a whole outage of one minute at 99.5 % is 200.
    """
    if drill.budget.sli_minutes is not None:
        return drill.budget.sli_minutes
    if all(part.fault == NOTHING for part in drill.parts):
        return 0.0
    steady = drill.steady_state
    return steady.allowed_share / (1 - steady.availability) * fault_seconds(drill) / 60


def spent_minutes(*, bad: int, usual_per_second: float, availability: float) -> float:
    """Return what so many bad requests cost, in minutes of the service level; infinite where nothing was usual.

    >>> spent_minutes(bad=60, usual_per_second=10, availability=0.9)
    1.0
    """
    if not bad:
        return 0.0
    allowed_per_minute = (1 - availability) * usual_per_second * 60
    return round(bad / allowed_per_minute, 6) if allowed_per_minute else float("inf")
