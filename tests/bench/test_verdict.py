"""What a latency run concludes from budgets, speed and recall together."""

import pytest

from opsctl.bench.model import BudgetCheck
from opsctl.bench.verdict import conclude
from opsctl.evidence.model import Verdict
from opsctl.vectors.statistics import Comparison
from opsctl.vectors.summary import ArmComparison


def check(verdict: Verdict) -> BudgetCheck:
    """Return a check that came out so."""
    return BudgetCheck(name="recall", budget=0.95, value=0.96, low=0.94, high=0.97, verdict=verdict)


def against_the_source(*, speed: Comparison, recall: Comparison) -> ArmComparison:
    """Return how the derived collection compares with its source."""
    return ArmComparison(
        baseline="source",
        contender="derived",
        clock="engine",
        quantile=0.5,
        ratio=None,
        verdict=speed,
        recall=recall,
        queries_needed=None,
    )


@pytest.mark.parametrize(
    ("speed", "recall", "expected"),
    [
        ("better", "same", "pass"),
        ("same", "cannot_tell", "pass"),
        ("worse", "same", "fail"),
        ("worse", "worse", "fail"),
        ("worse", "better", "pass"),
        ("worse", "cannot_tell", "inconclusive"),
    ],
)
def test_slower_is_bad_unless_more_is_found(speed, recall, expected):
    """And where it cannot be told whether more is found, neither can the verdict."""
    main = against_the_source(speed=Comparison(speed), recall=Comparison(recall))

    assert conclude(is_valid=True, checks=[check(Verdict.PASS)], main=main) == expected


@pytest.mark.parametrize("budget", list(Verdict))
def test_a_budget_that_is_not_shown_to_be_kept_is_no_pass(budget):
    """Failed is failed, undecided is undecided, however fast the collection is."""
    main = against_the_source(speed=Comparison.BETTER, recall=Comparison.SAME)

    assert conclude(is_valid=True, checks=[check(Verdict.PASS), check(budget)], main=main) == budget


def test_an_invalid_run_proves_nothing():
    """Neither good nor bad figures count."""
    main = against_the_source(speed=Comparison.WORSE, recall=Comparison.SAME)

    assert conclude(is_valid=False, checks=[check(Verdict.FAIL)], main=main) is Verdict.INCONCLUSIVE
