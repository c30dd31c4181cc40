"""Are the budgets kept: a verdict that an interval supports, or none."""

from collections.abc import Iterable

from opsctl.bench.model import BudgetCheck, Target
from opsctl.evidence.model import Verdict
from opsctl.vectors.budgets import at_least, at_most
from opsctl.vectors.statistics import Comparison
from opsctl.vectors.summary import ArmComparison, ArmSummary


def check_budgets(target: Target, derived: ArmSummary) -> tuple[BudgetCheck, ...]:
    """Return one check for each budget that the target has."""
    checks = []
    if target.recall_budget is not None:
        seen = derived.recall
        checks.append(
            BudgetCheck(
                name="recall",
                budget=target.recall_budget,
                value=seen.value if seen else None,
                low=seen.low if seen else None,
                high=seen.high if seen else None,
                verdict=at_least(target.recall_budget, seen.low, seen.high) if seen else Verdict.INCONCLUSIVE,
            )
        )
    if target.p95_budget_seconds is not None:
        tail = derived.engine_at(0.95)
        checks.append(
            BudgetCheck(
                name="engine p95",
                budget=target.p95_budget_seconds,
                value=tail.value,
                low=tail.low,
                high=tail.high,
                verdict=at_most(target.p95_budget_seconds, tail.low, tail.high),
            )
        )
    return tuple(checks)


def conclude(*, is_valid: bool, checks: Iterable[BudgetCheck], main: ArmComparison) -> Verdict:
    """Return the verdict of a run: a missed budget is bad, and so is a derived collection that is slower.

    A copy that is slower than the filtered source and finds no more has no reason to be kept; one that finds
    more may well be slower, so only its budgets judge it. Where that cannot be told, neither can the verdict.
    """
    if not is_valid:
        return Verdict.INCONCLUSIVE
    return worst([Verdict.PASS, *(check.verdict for check in checks), _of_slowness(main)])


def _of_slowness(main: ArmComparison) -> Verdict:
    if main.verdict is not Comparison.WORSE or main.recall is Comparison.BETTER:
        return Verdict.PASS
    return Verdict.INCONCLUSIVE if main.recall is Comparison.CANNOT_TELL else Verdict.FAIL


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of several verdicts: fail, then inconclusive, then pass."""
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    seen = set(verdicts)
    return next((verdict for verdict in order if verdict in seen), Verdict.INCONCLUSIVE)
