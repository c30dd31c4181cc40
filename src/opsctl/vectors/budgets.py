"""Is a budget kept: an answer that the interval of the measured figure supports, or none."""

from opsctl.evidence.model import Verdict


def at_least(budget: float, low: float | None, high: float | None) -> Verdict:
    """Judge a figure that must not fall below its budget.

    >>> [at_least(0.95, *interval).value for interval in ((0.96, 0.99), (0.90, 0.94), (0.94, 0.96))]
    ['pass', 'fail', 'inconclusive']
    """
    if low is None or high is None:
        return Verdict.INCONCLUSIVE
    if low >= budget:
        return Verdict.PASS
    return Verdict.FAIL if high < budget else Verdict.INCONCLUSIVE


def at_most(budget: float, low: float | None, high: float | None) -> Verdict:
    """Judge a figure that must not rise above its budget."""
    if low is None or high is None:
        return Verdict.INCONCLUSIVE
    if high <= budget:
        return Verdict.PASS
    return Verdict.FAIL if low > budget else Verdict.INCONCLUSIVE
