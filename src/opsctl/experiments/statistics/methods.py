"""Which methods can be certified, and on which ones does an analysis of a metric rest."""

from enum import StrEnum
from typing import assert_never

from opsctl.experiments.book import Correction, Experiment, StoppingRule
from opsctl.experiments.metric_book import Metric, MetricKind, Role, Test


class Method(StrEnum):
    """A method of one kind of metric, as certificates name it."""

    MEAN = "mean"
    """Welch's test of means."""
    PROPORTION = "proportion"
    """Welch's test of means of 0 and 1."""
    RATIO = "ratio"
    """Welch's test of ratios, by the delta method."""
    QUANTILE = "quantile"
    """Welch's test of quantiles, units as clusters."""
    CUPED_MEAN = "cuped_mean"
    """The same after adjustment by the pre-period."""
    CUPED_PROPORTION = "cuped_proportion"
    CUPED_RATIO = "cuped_ratio"
    WINSORISED_MEAN = "winsorised_mean"
    """Means of values cut off at one cap for all arms."""
    WINSORISED_RATIO = "winsorised_ratio"
    NON_INFERIORITY = "non_inferiority"
    """One-sided against a margin."""
    GROUP_SEQUENTIAL = "group_sequential"
    """Planned looks that spend alpha."""
    ALWAYS_VALID = "always_valid"
    """A confidence sequence, two-sided."""
    ALWAYS_VALID_ONE_SIDED = "always_valid_one_sided"
    """... one-sided: a guardrail that is watched all the time."""
    HOLM = "holm"
    BENJAMINI_HOCHBERG = "benjamini_hochberg"
    SRM = "srm"
    """Sample ratio mismatch, looked at whenever."""
    INTERACTION = "interaction"
    """Of two concurrent experiments."""
    INTERLEAVING = "interleaving"
    """Two rankings in one feed."""
    VERDICT_FIXED = "verdict_fixed"
    """A whole analysis, from moments to the verdict, of a book with a fixed horizon."""
    VERDICT_GROUP_SEQUENTIAL = "verdict_group_sequential"
    """... of one with planned looks."""
    VERDICT_ALWAYS_VALID = "verdict_always_valid"
    """... of one that may be looked at whenever."""


_VERDICTS = {
    StoppingRule.FIXED: Method.VERDICT_FIXED,
    StoppingRule.GROUP_SEQUENTIAL: Method.VERDICT_GROUP_SEQUENTIAL,
    StoppingRule.ALWAYS_VALID: Method.VERDICT_ALWAYS_VALID,
}


def estimation_of(metric: Metric) -> Method:
    """Return the method by which a metric's arms are estimated.

    A mean or ratio that is winsorised and has a pre-period is named by the adjustment: cutting off changes the values
    that go in, adjustment what is done with them.
    """
    match metric.kind:
        case MetricKind.QUANTILE:
            return Method.QUANTILE
        case MetricKind.PROPORTION:
            return Method.CUPED_PROPORTION if metric.pre_period else Method.PROPORTION
        case MetricKind.MEAN:
            plain = Method.WINSORISED_MEAN if metric.winsorise else Method.MEAN
            return Method.CUPED_MEAN if metric.pre_period else plain
        case MetricKind.RATIO:
            plain = Method.WINSORISED_RATIO if metric.winsorise else Method.RATIO
            return Method.CUPED_RATIO if metric.pre_period else plain
    assert_never(metric.kind)


def methods_behind(experiment: Experiment, metric: Metric) -> tuple[Method, ...]:
    """Return all methods on which the verdict about a metric rests, each once."""
    found = [Method.SRM, estimation_of(metric)]
    if metric.winsorise:
        found.append(Method.WINSORISED_MEAN if metric.kind is MetricKind.MEAN else Method.WINSORISED_RATIO)
    if metric.wanted is Test.NON_INFERIORITY:
        found.append(Method.NON_INFERIORITY)
    if metric.role is Role.GUARDRAIL:
        found.append(Method.ALWAYS_VALID_ONE_SIDED)
    match experiment.stopping.rule:
        case StoppingRule.GROUP_SEQUENTIAL:
            found.append(Method.GROUP_SEQUENTIAL)
        case StoppingRule.ALWAYS_VALID:
            found.append(Method.ALWAYS_VALID)
        case StoppingRule.FIXED:
            pass
    family = experiment.families.get(metric.role)
    if family is not None and family.correction is not Correction.NONE:
        found.append(Method(family.correction.value))
    found.append(_VERDICTS[experiment.stopping.rule])
    return tuple(dict.fromkeys(found))
