"""What may be said of a metric at this look, by the rule that the book chose: once, at planned looks, or always."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from opsctl.core.units import parse_duration
from opsctl.experiments.analysis.model import Inference, Pair
from opsctl.experiments.book import Experiment, StoppingRule
from opsctl.experiments.effects import parse_effect
from opsctl.experiments.metric_book import Direction, Metric, MetricKind, Role, Test
from opsctl.experiments.statistics import looks as planned
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import Comparison, NonInferiority, intervals_at
from opsctl.experiments.statistics.confidence_sequence import (
    FEWEST_UNITS,
    USUAL_UNITS,
    AnytimeLook,
    Sides,
    Tuning,
    follow,
    log_e_value,
)
from opsctl.experiments.statistics.sequential import LEAST_GAP, spaced
from opsctl.experiments.statistics.unvaried import NO_SHARE, NOTHING_HAPPENED, Unvaried, units_needed
from opsctl.experiments.verdict import Look

_BEFORE_HORIZON = "before the horizon: these figures hold at any time"
_BEFORE_LOOKS = "no planned look was reached yet: these figures hold at any time"
_TURNED = "what an earlier look has shown has turned round since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One pair at one moment."""

    at: datetime
    pair: Pair


def planned_looks(experiment: Experiment, *, started_at: datetime) -> tuple[datetime, ...]:
    """Return when the rule allows a verdict, the horizon last; for `always_valid` that is the only planned moment."""
    horizon = experiment.horizon_seconds
    seconds = [parse_duration(look) for look in experiment.stopping.looks]
    return tuple(
        started_at + timedelta(seconds=each) for each in [*(s for s in seconds if s < horizon), horizon]
    )


def look_at(
    experiment: Experiment, *, started_at: datetime, at: datetime, ended_at: datetime | None = None
) -> Look:
    """Return what the stopping rule says of a moment; once it was stopped there is nothing more to wait for."""
    moments = planned_looks(experiment, started_at=started_at)
    is_last = at >= moments[-1]
    ahead = next((moment for moment in moments if moment > at), None)
    may = is_last
    match experiment.stopping.rule:
        case StoppingRule.FIXED:
            pass
        case StoppingRule.GROUP_SEQUENTIAL:
            may = at >= moments[0]
        case StoppingRule.ALWAYS_VALID:
            may = True
    is_over = ended_at is not None and at >= ended_at
    when = f"{ahead:%Y-%m-%d %H:%M} UTC" if ahead is not None and not is_over else ""
    if when and experiment.stopping.rule is StoppingRule.ALWAYS_VALID:
        when = f"at any time until {when}"
    return Look(may_decide=may, is_last=is_last or is_over, next_look=when)


def infer(
    experiment: Experiment, metric: Metric, history: Sequence[Seen], *, started_at: datetime, look: Look
) -> Inference:
    """Return what may be said of the last of these moments, given all before it.

    Args:
        experiment: the book.
        metric: which one.
        history: the same pair at every moment that was computed, in the order of time, the present last.
        started_at: of the experiment.
        look: what the rule says of the present.
    """
    now = history[-1].pair
    if now.unvaried is not None and metric.margin is not None:
        return _of_unvaried(experiment, metric, now.unvaried)
    if isinstance(now.comparison, CannotTell):
        return _nothing(now.comparison)
    if isinstance(now.margin, CannotTell):
        return _nothing(now.margin)
    said = _said(experiment, metric, history, started_at=started_at, look=look)
    is_watched = metric.role is Role.GUARDRAIL
    return replace(said, breaks_margin=said.breaks_margin or (is_watched and _is_broken(experiment, history)))


def _said(
    experiment: Experiment, metric: Metric, history: Sequence[Seen], *, started_at: datetime, look: Look
) -> Inference:
    match experiment.stopping.rule:
        case StoppingRule.FIXED if look.may_decide:
            return _fixed(metric, history[-1].pair)
        case StoppingRule.FIXED:
            early = _always(experiment, metric, history)
            return replace(early, caution=early.caution or _BEFORE_HORIZON)
        case StoppingRule.GROUP_SEQUENTIAL:
            return _at_planned_looks(experiment, metric, history, started_at=started_at)
        case StoppingRule.ALWAYS_VALID:
            return _always(experiment, metric, history)


def _nothing(reason: CannotTell) -> Inference:
    return Inference(p_value=None, interval=None, lift=None, statistic=0.0, caution=reason.because)


def _of_unvaried(experiment: Experiment, metric: Metric, unvaried: Unvaried) -> Inference:
    """Return what may be said of a margin where no unit differs from another; it holds at any look.

    Where nobody had an event of a metric that is to rise, nothing was watched: that keeps no margin.
    """
    if not unvaried.value and metric.direction is Direction.INCREASE:
        return replace(_nothing(NOTHING_HAPPENED), unvaried=unvaried)
    margin, alpha = metric.margin or "", experiment.alpha / 2
    share = unvaried.share_of(parse_effect(margin), is_share=metric.kind is MetricKind.PROPORTION)
    if share is None:
        return replace(_nothing(NO_SHARE), unvaried=unvaried)
    p_value = unvaried.p_value(share)
    says = f"no unit differs from another, so at most {unvaried.most_affected(alpha=alpha):.2%} can be affected at all"
    if p_value > alpha:
        says += f", and the margin is {margin}: {units_needed(share, alpha=alpha):,} such units of the arm would show that it is kept"
    return Inference(
        p_value=min(1.0, 2 * p_value),
        interval=None,
        lift=None,
        statistic=1.0,
        caution=says,
        unvaried=unvaried,
    )


def _tested(metric: Metric, pair: Pair) -> Comparison | NonInferiority:
    """Return the test that decides; callers have seen to it that there is one."""
    tested = pair.margin if metric.wanted is Test.NON_INFERIORITY else pair.comparison
    assert isinstance(tested, Comparison | NonInferiority)  # noqa: S101
    return tested


def _fixed(metric: Metric, pair: Pair) -> Inference:
    tested, comparison = _tested(metric, pair), pair.comparison
    assert isinstance(comparison, Comparison)  # noqa: S101
    one_sided = isinstance(tested, NonInferiority)
    return Inference(
        p_value=min(1.0, 2 * tested.p_value) if one_sided else tested.p_value,
        of=comparison,
        interval=comparison.interval,
        lift=comparison.lift if isinstance(comparison.lift, CannotTell) else comparison.lift.interval,
        statistic=tested.statistic,
        breaks_margin=isinstance(tested, NonInferiority) and tested.is_refuted,
    )


def _at_planned_looks(
    experiment: Experiment, metric: Metric, history: Sequence[Seen], *, started_at: datetime
) -> Inference:
    """Decide on the looks that were planned; what was computed in between does not count as one."""
    moments = planned_looks(experiment, started_at=started_at)
    counted = [seen for seen in history if seen.at in moments and _is_told(metric, seen.pair)]
    if not counted:
        # a test as if this were the only look would say too much: whoever looks now looks again
        early = _always(experiment, metric, history)
        return replace(early, p_value=None, caution=early.caution or _BEFORE_LOOKS)
    looks = [
        planned.Look(share=_share(experiment, metric, seen, started_at), z=_tested(metric, seen.pair).z)
        for seen in counted
    ]
    looks = _until_all_is_spent(looks)
    last = counted[len(looks) - 1]

    def decide(number: int) -> planned.LookDecision | CannotTell:
        return planned.decide(
            looks[:number],
            alpha=experiment.alpha,
            spending=experiment.stopping.spending,
            is_last=counted[number - 1].at >= moments[-1],
        )

    decision = decide(len(looks))
    if isinstance(decision, CannotTell):
        return _nothing(decision)
    said = _with_bound(metric, last.pair, critical=decision.bound, p_value=decision.p_value)
    if last is not history[-1]:
        said = replace(said, caution=f"these figures are of the planned look of {last.at:%Y-%m-%d %H:%M} UTC")
    if all(look.z * looks[-1].z >= 0 for look in looks):
        return said
    # p is the least of all looks; which way it points is told by the look that it is of
    numbers = range(1, len(looks) + 1)
    first = next((number for number in numbers if _p_of(decide(number)) <= decision.p_value), len(looks))
    return _pointed(said, metric, experiment, z=looks[first - 1].z)


def _until_all_is_spent(looks: list[planned.Look]) -> list[planned.Look]:
    """Return the looks that count: what was decided once all planned units were there stands."""
    times = spaced(look.share for look in looks)
    whole = next((number for number, time in enumerate(times, start=1) if time >= 1), len(looks))
    return looks[:whole]


def _p_of(decision: planned.LookDecision | CannotTell) -> float:
    return 1.0 if isinstance(decision, CannotTell) else decision.p_value


def _share(experiment: Experiment, metric: Metric, seen: Seen, started_at: datetime) -> float:
    """Return the share of the planned information.

    A metric with a window knows all of a unit once that has passed, so units count. Without one, the events of the same
    units go on, and information grows with units and time. Taken for smaller steps than they are, looks would have bounds
    that are too low: with most units there on the first day, 8.6 % false findings in place of 5.
    """
    since = (seen.at - started_at).total_seconds()
    horizon = experiment.horizon_seconds
    until_known = parse_duration(metric.after) + parse_duration(metric.window or "0s")
    time = (since - until_known) / (horizon - until_known) if horizon > until_known else since / horizon
    units = seen.pair.units / _planned_units(experiment, seen.pair) if experiment.units else time
    share = units if metric.window is not None else units * time
    return max(share, LEAST_GAP) if time > 0 else LEAST_GAP


def _planned_units(experiment: Experiment, pair: Pair) -> float:
    """Return how many units both arms of a pair are to have by the horizon; the usual number where none is planned."""
    return experiment.units * pair.share if experiment.units else USUAL_UNITS


def tuning_of(
    experiment: Experiment, history: Sequence[Seen], *, alpha: float | None = None, sides: Sides = Sides.TWO
) -> Tuning:
    """Return the confidence sequence of a pair: tuned for the units that the book plans for both of its arms."""
    units = max(round(_planned_units(experiment, history[-1].pair)), 1)
    return Tuning(units=units, alpha=experiment.alpha if alpha is None else alpha, sides=sides)


def _always(experiment: Experiment, metric: Metric, history: Sequence[Seen]) -> Inference:
    counted = [seen for seen in history if _is_told(metric, seen.pair)]
    tuning = tuning_of(experiment, history)
    looks = _rising([AnytimeLook(units=seen.pair.units, z=_tested(metric, seen.pair).z) for seen in counted])
    decision = follow(looks, tuning=tuning)
    if isinstance(decision, CannotTell):
        return _nothing(decision)
    said = _with_bound(metric, counted[-1].pair, critical=decision.bound, p_value=decision.p_value)
    told = [look for look in looks if look.units >= FEWEST_UNITS]
    strongest = max(told, key=lambda look: log_e_value(look.z, units=look.units, tuning=tuning))
    return _pointed(said, metric, experiment, z=strongest.z)


def _pointed(said: Inference, metric: Metric, experiment: Experiment, *, z: float) -> Inference:
    """Return an inference that points where the look points of which its p is, and not where the last one does.

    Harm that was shown stays shown. Of a benefit that turned round since nothing is shown: nobody ships what is worse now.
    """
    if z * said.statistic >= 0:
        return said
    is_harm = z * (1 if metric.wanted is Test.NON_INFERIORITY else metric.sign) < 0
    has_shown = said.p_value is not None and said.p_value <= experiment.alpha
    return replace(said, statistic=z if is_harm else 0.0, caution=_TURNED if has_shown else said.caution)


def _with_bound(metric: Metric, pair: Pair, *, critical: float, p_value: float) -> Inference:
    comparison = pair.comparison
    assert isinstance(comparison, Comparison)  # noqa: S101
    difference, lift = intervals_at(comparison, critical=critical)
    statistic = _tested(metric, pair).statistic
    return Inference(p_value=p_value, interval=difference, lift=lift, statistic=statistic, of=comparison)


def _is_told(metric: Metric, pair: Pair) -> bool:
    told = isinstance(pair.comparison, Comparison)
    return told and (metric.margin is None or isinstance(pair.margin, NonInferiority))


def _is_broken(experiment: Experiment, history: Sequence[Seen]) -> bool:
    """Tell whether it is shown at some moment that a guardrail's margin is broken: watched all the time, one-sided."""
    tuning = tuning_of(experiment, history, alpha=experiment.alpha / 2, sides=Sides.ONE)
    looks = [
        AnytimeLook(units=seen.pair.units, z=-seen.pair.margin.z)
        for seen in history
        if isinstance(seen.pair.margin, NonInferiority)
    ]
    decision = follow(_rising(looks), tuning=tuning) if looks else None
    return decision is not None and not isinstance(decision, CannotTell) and decision.crossed_at is not None


def _rising(looks: Sequence[AnytimeLook]) -> list[AnytimeLook]:
    """Return looks whose units do not fall: a unit that turns out to have seen two arms is taken out afterwards."""
    most, found = 0, list[AnytimeLook]()
    for look in looks:
        most = max(most, look.units)
        found.append(AnytimeLook(units=most, z=look.z))
    return found
