"""Are the data fit for a verdict: arms of the right sizes, units in one arm each, learners that did not leak."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.experiments.analysis.model import Check
from opsctl.experiments.book import Experiment
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.statistics.srm_watch import watch_split, watch_splits

MOST_IN_TWO_ARMS = 0.01
"""Share of units in several arms beyond which nothing is believed: below, they are taken out, and said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of the units of an experiment.

    Args:
        units: by arm, those in several arms taken out; arms that the book does not know stand here, too.
        by_value: of each dimension's values, such as `segment=heavy`, the units by arm.
        in_several_arms: units that saw more than one.
        before_start: exposures from before the start, or after the end: they do not count.
        unreadable: exposures without a unit, an arm or a time: they do not count.
        spoiled: by arm, events whose value is missing, NaN or infinite: they count in no metric.
        leaks: learners that learned from another arm, each in a sentence; None where that was not looked at.
    """

    units: Mapping[str, int]
    by_value: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    in_several_arms: int = 0
    before_start: int = 0
    unreadable: int = 0
    spoiled: Mapping[str, int] = field(default_factory=dict)
    leaks: tuple[str, ...] | None = None


def check_data(
    experiment: Experiment, seen: Seen, *, before: Sequence[Mapping[str, int]] = (), is_over: bool = True
) -> tuple[Check, ...]:
    """Return every condition, those that hold, too.

    Args:
        experiment: the book.
        seen: what is known of its units.
        before: units by arm at the looks before this one.
        is_over: whether the horizon is reached, so that no more units come.
    """
    checks = [_sample_ratio(experiment, [*before, seen.units], is_over=is_over)]
    if experiment.dimensions:
        checks.append(_by_dimension(experiment, seen.by_value, is_over=is_over))
    checks.append(_several_arms(seen))
    if seen.before_start:
        says = f"{seen.before_start:,} exposures from before the start or after the end do not count"
        checks.append(Check(name="time of exposures", is_fault=False, says=says))
    checks += _unread(seen)
    if experiment.isolated_learners and seen.leaks is not None:
        says = "; ".join(seen.leaks) or "no learner was taught by another arm's readers"
        checks.append(Check(name="learners", is_fault=bool(seen.leaks), says=says))
    return tuple(checks)


def _sample_ratio(experiment: Experiment, looks: Sequence[Mapping[str, int]], *, is_over: bool) -> Check:
    watched = watch_split(looks, _weights(experiment), planned=experiment.units, is_over=is_over)
    split = watched.split
    if split.stray:
        arms = ", ".join(f"{count:,} in `{arm}`" for arm, count in split.stray.items())
        says = f"units in arms that get nobody: {arms}"
    elif isinstance(split.test, CannotTell):
        says = split.test.because
    else:
        counts = " to ".join(f"{split.counts[arm]:,}" for arm in split.expected)
        wanted = " to ".join(f"{number:,.0f}" for number in split.expected.values())
        says = f"{counts} units where {wanted} are expected, p = {watched.p_value:.3g} at any look"
        if watched.is_mismatch:
            says = f"the arms have the wrong sizes: {says}; somebody is lost, and nobody knows who"
    return Check(name="sample ratio", is_fault=watched.is_mismatch, says=says, p_value=watched.p_value)


def _by_dimension(
    experiment: Experiment, by_value: Mapping[str, Mapping[str, int]], *, is_over: bool
) -> Check:
    name = "sample ratio by dimension"
    groups, mismatches = watch_splits(
        by_value, _weights(experiment), planned=experiment.units, is_over=is_over
    )
    if not mismatches:
        says = f"{len(groups)} groups of units have arms of the right sizes"
        return Check(name=name, is_fault=False, says=says)
    worst = groups[mismatches[0]]
    counts = " to ".join(f"{count:,}" for count in worst.split.counts.values())
    says = f"the arms have the wrong sizes among {', '.join(mismatches[:5])}: {counts} units in the first of them"
    return Check(name=name, is_fault=True, says=says, p_value=worst.p_value)


def check_events(
    experiment: Experiment, estimates: Mapping[str, Mapping[str, Estimate | CannotTell]]
) -> tuple[Check, ...]:
    """Return a warning for every metric of whose events nobody had any: it may be that nobody writes them.

    Args:
        experiment: the book.
        estimates: by metric, by arm.
    """
    return tuple(
        Check(
            name=f"events of {name}",
            is_fault=False,
            is_warning=True,
            says=f"nobody had any ({', '.join(experiment.metrics[name].events)}); where nobody writes them, nothing is watched",
        )
        for name, arms in estimates.items()
        if (known := [each for each in arms.values() if isinstance(each, Estimate)])
        and not any(each.value or each.variance for each in known)
    )


def _unread(seen: Seen) -> Iterator[Check]:
    """Yield a warning for what was written down, and could not be counted."""
    if seen.unreadable:
        says = f"{seen.unreadable:,} without a unit, an arm or a time do not count; see who writes them"
        yield Check(name="exposures that cannot be read", is_fault=False, is_warning=True, says=says)
    spoiled = {arm: count for arm, count in seen.spoiled.items() if count}
    if spoiled:
        arms = ", ".join(f"{count:,} in `{arm}`" for arm, count in spoiled.items())
        says = f"missing, NaN or infinite: {arms}; those events count in no metric"
        yield Check(name="values of events", is_fault=False, is_warning=True, says=says)


def _several_arms(seen: Seen) -> Check:
    name = "units in several arms"
    total = sum(seen.units.values()) + seen.in_several_arms
    if not seen.in_several_arms:
        return Check(name=name, is_fault=False, says="every unit saw one arm only")
    share = seen.in_several_arms / total
    says = f"{seen.in_several_arms:,} units ({share:.2%}) saw several arms"
    if share > MOST_IN_TWO_ARMS:
        return Check(
            name=name,
            is_fault=True,
            says=f"{says}, more than {MOST_IN_TWO_ARMS:.0%}: assignment or its keys are wrong",
        )
    return Check(name=name, is_fault=False, says=f"{says}; they are taken out")


def _weights(experiment: Experiment) -> dict[str, float]:
    return {arm: each.weight for arm, each in experiment.arms.items()}
