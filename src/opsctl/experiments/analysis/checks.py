"""Are the data fit for a verdict: arms of the right sizes, units in one arm each, learners that did not leak."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsctl.experiments.analysis.model import Check
from opsctl.experiments.book import Experiment
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.srm import Split, check_split, check_splits

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
        leaks: learners that learned from another arm, each in a sentence; None where that was not looked at.
    """

    units: Mapping[str, int]
    by_value: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    in_several_arms: int = 0
    before_start: int = 0
    leaks: tuple[str, ...] | None = None


def check_data(experiment: Experiment, seen: Seen) -> tuple[Check, ...]:
    """Return every condition, those that hold, too."""
    weights = {arm: each.weight for arm, each in experiment.arms.items()}
    checks = [_sample_ratio(seen.units, weights)]
    if experiment.dimensions:
        checks.append(_by_dimension(seen.by_value, weights))
    checks.append(_several_arms(seen))
    if seen.before_start:
        says = f"{seen.before_start:,} exposures from before the start or after the end do not count"
        checks.append(Check(name="time of exposures", is_fault=False, says=says))
    if experiment.isolated_learners and seen.leaks is not None:
        says = "; ".join(seen.leaks) or "no learner was taught by another arm's readers"
        checks.append(Check(name="learners", is_fault=bool(seen.leaks), says=says))
    return tuple(checks)


def _sample_ratio(units: Mapping[str, int], weights: Mapping[str, float]) -> Check:
    split = check_split(units, weights)
    if split.stray:
        arms = ", ".join(f"{count:,} in `{arm}`" for arm, count in split.stray.items())
        says = f"units in arms that get nobody: {arms}"
    elif isinstance(split.test, CannotTell):
        says = split.test.because
    else:
        counts = " to ".join(f"{split.counts[arm]:,}" for arm in split.expected)
        wanted = " to ".join(f"{number:,.0f}" for number in split.expected.values())
        says = f"{counts} units where {wanted} are expected, p = {split.test.p_value:.3g}"
        if split.is_mismatch:
            says = f"the arms have the wrong sizes: {says}; somebody is lost, and nobody knows who"
    return Check(name="sample ratio", is_fault=split.is_mismatch, says=says, p_value=_p_of(split))


def _by_dimension(by_value: Mapping[str, Mapping[str, int]], weights: Mapping[str, float]) -> Check:
    name = "sample ratio by dimension"
    splits = check_splits(by_value, weights)
    if not splits.mismatches:
        says = f"{len(splits.splits)} groups of units have arms of the right sizes"
        return Check(name=name, is_fault=False, says=says)
    worst = splits.splits[splits.mismatches[0]]
    counts = " to ".join(f"{count:,}" for count in worst.counts.values())
    says = f"the arms have the wrong sizes among {', '.join(splits.mismatches[:5])}: {counts} units in the first of them"
    return Check(name=name, is_fault=True, says=says, p_value=_p_of(worst))


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


def _p_of(split: Split) -> float | None:
    return None if isinstance(split.test, CannotTell) else split.test.p_value
