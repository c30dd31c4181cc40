"""Keep, build or drop: what follows from the measured figures of a combination, and why."""

from dataclasses import replace
from enum import Enum

from opsctl.evidence.model import Verdict
from opsctl.qdrant_collections.advisor.model import Advice, Measured, Recommendation
from opsctl.vectors.budgets import at_least, at_most
from opsctl.vectors.statistics import Comparison
from opsctl.vectors.strategies import Strategy
from opsctl.vectors.summary import ArmSummary

CHEAPER = (Strategy.PLANNER, Strategy.ACORN, Strategy.COMPOSITE)
"""What to try before a derived collection, the cheapest first; "no index" is no option, only a baseline."""

_SECONDS_PER_DAY = 86_400


class _Worth(Enum):
    YES = "yes"
    NO = "no"


def decide(measured: Measured) -> Recommendation:
    """Return the advice for a combination.

    A derived collection is worth its cost when no cheaper strategy keeps the budgets and it does, or when it is
    faster than the cheapest one that does and the traffic is above the break-even. Where intervals do not settle
    a budget or a ratio that the advice hangs on, the advice is `cannot tell`.
    """
    if not measured.is_valid:
        return _unsure(f"the run is invalid: {measured.problems[0].title}")
    derived = keeps_budgets(measured, Strategy.DERIVED)
    if derived is Verdict.FAIL:
        return _advise(
            measured, _Worth.NO, reason=f"the derived collection itself misses a budget: {_miss(measured)}"
        )
    verdicts = {strategy: keeps_budgets(measured, strategy) for strategy in _present(measured)}
    good = [strategy for strategy, verdict in verdicts.items() if verdict is Verdict.PASS]
    if good:
        fastest = min(good, key=lambda strategy: measured.mean_seconds[strategy])
        return _by_speed(measured, fastest, is_sure=derived is Verdict.PASS)
    open_ones = [strategy for strategy, verdict in verdicts.items() if verdict is Verdict.INCONCLUSIVE]
    if open_ones or derived is Verdict.INCONCLUSIVE:
        names = ", ".join(open_ones or [Strategy.DERIVED])
        return _unsure(f"the sample does not settle whether {names} keeps the budgets; ask more queries")
    return _advise(measured, _Worth.YES, reason=_rescue(measured))


def keeps_budgets(measured: Measured, strategy: Strategy) -> Verdict:
    """Tell whether a strategy keeps the budgets of recall and p95, by the bounds of its intervals."""
    arm, combination = measured.arms[strategy], measured.combination
    recall = _recall_verdict(arm, combination.recall_budget)
    p95 = _p95_verdict(arm, combination.p95_budget_seconds)
    if Verdict.FAIL in (recall, p95):
        return Verdict.FAIL
    return Verdict.PASS if recall is p95 is Verdict.PASS else Verdict.INCONCLUSIVE


def break_even(*, build_seconds: float, rebuilds_per_day: float, saved_seconds: float) -> float:
    """Return the queries per second above which the time saved exceeds the time spent on rebuilds.

    build_seconds x rebuilds_per_day / (saved_seconds x 86,400): the break-even of CPU time, with the measured
    time of a build for its CPU time (an upper bound on one core). Memory is not in it; it is shown beside.

    >>> break_even(build_seconds=8.64, rebuilds_per_day=10, saved_seconds=0.001)
    1.0
    """
    return build_seconds * rebuilds_per_day / (saved_seconds * _SECONDS_PER_DAY)


def _by_speed(measured: Measured, alternative: Strategy, *, is_sure: bool) -> Recommendation:
    """Decide when a cheaper strategy keeps the budgets: only speed can then speak for a derived collection."""
    comparison = measured.against[alternative]
    verdict = comparison.verdict
    if verdict in (Comparison.SAME, Comparison.WORSE):
        word = "as fast as" if verdict is Comparison.SAME else "faster than"
        reason = f"{alternative} keeps both budgets and is {word} the derived collection"
        advice = _advise(measured, _Worth.NO, reason=reason)
        return replace(advice, alternative=alternative, comparison=verdict)
    if verdict is Comparison.CANNOT_TELL and _is_hopeless(measured, alternative):
        reason = f"{alternative} keeps both budgets; even at the best of its interval derived would not pay"
        advice = _advise(measured, _Worth.NO, reason=reason)
        return replace(advice, alternative=alternative, comparison=verdict)
    if verdict is Comparison.CANNOT_TELL or not is_sure:
        needed = f"; it needs {comparison.queries_needed:,} queries" if comparison.queries_needed else ""
        return _unsure(f"the sample does not settle whether derived beats {alternative}{needed}", alternative)
    return _by_break_even(measured, alternative)


def _is_hopeless(measured: Measured, alternative: Strategy) -> bool:
    """Tell whether the traffic is below the break-even even with the largest saving that the interval allows."""
    ratio = measured.against[alternative].ratio
    build = measured.costs[Strategy.DERIVED].build_seconds
    if ratio is None or build is None:
        return False
    most_saved = measured.mean_seconds[alternative] * (1 - 1 / ratio.high)
    if most_saved <= 0:
        return True
    combination = measured.combination
    threshold = break_even(
        build_seconds=build, rebuilds_per_day=combination.rebuilds_per_day, saved_seconds=most_saved
    )
    return combination.queries_per_second < threshold


def _by_break_even(measured: Measured, alternative: Strategy) -> Recommendation:
    saved = measured.mean_seconds[alternative] - measured.mean_seconds[Strategy.DERIVED]
    build = measured.costs[Strategy.DERIVED].build_seconds
    if saved <= 0 or build is None:
        # The medians differ clearly and the means do not: a few slow answers eat the gain.
        return _unsure(
            f"derived has the better median, and the mean of {alternative} is no worse", alternative
        )
    combination = measured.combination
    threshold = break_even(
        build_seconds=build, rebuilds_per_day=combination.rebuilds_per_day, saved_seconds=saved
    )
    traffic = combination.queries_per_second
    is_worth = traffic >= threshold
    assumed = "the assumed " if combination.is_traffic_assumed else ""
    side = "above" if is_worth else "below"
    reason = (
        f"{alternative} keeps both budgets; derived saves {saved * 1000:.3g} ms a query, and {assumed}"
        f"{traffic:.3g} queries/s are {side} the break-even of {threshold:.3g}"
    )
    return replace(
        _advise(measured, _Worth.YES if is_worth else _Worth.NO, reason=reason),
        alternative=alternative,
        comparison=Comparison.BETTER,
        saved_seconds_per_query=saved,
        break_even_queries_per_second=threshold,
    )


def _advise(measured: Measured, worth: _Worth, *, reason: str) -> Recommendation:
    exists = measured.combination.alias is not None
    if worth is _Worth.YES:
        return Recommendation(advice=Advice.KEEP if exists else Advice.BUILD, reason=reason)
    return Recommendation(advice=Advice.DROP if exists else Advice.SKIP, reason=reason)


def _unsure(reason: str, alternative: Strategy | None = None) -> Recommendation:
    return Recommendation(advice=Advice.CANNOT_TELL, reason=reason, alternative=alternative)


def _rescue(measured: Measured) -> str:
    """Say what is rescued when nothing cheaper keeps the budgets: recall, or latency."""
    budget = measured.combination.recall_budget
    low = [
        strategy
        for strategy in _present(measured)
        if _recall_verdict(measured.arms[strategy], budget) is Verdict.FAIL
    ]
    derived = _recall(measured.arms[Strategy.DERIVED])
    if Strategy.PLANNER in low:
        found = _recall(measured.arms[Strategy.PLANNER])
        return f"recall is rescued: the planner finds {found:.0%} of the truth, derived {derived:.0%}, and nothing cheaper keeps both budgets"
    return f"latency is rescued: nothing cheaper keeps the p95 budget at recall {budget:g}, derived does"


def _miss(measured: Measured) -> str:
    arm, combination = measured.arms[Strategy.DERIVED], measured.combination
    if _recall_verdict(arm, combination.recall_budget) is Verdict.FAIL:
        return f"recall {_recall(arm):.3f} against {combination.recall_budget:g}"
    p95 = arm.engine_at(0.95).value or 0.0
    return f"p95 {p95 * 1000:.3g} ms against {combination.p95_budget_seconds * 1000:.3g} ms"


def _present(measured: Measured) -> list[Strategy]:
    return [strategy for strategy in CHEAPER if strategy in measured.arms]


def _recall(arm: ArmSummary) -> float:
    return arm.recall.value if arm.recall else 0.0


def _recall_verdict(arm: ArmSummary, budget: float) -> Verdict:
    return Verdict.INCONCLUSIVE if arm.recall is None else at_least(budget, arm.recall.low, arm.recall.high)


def _p95_verdict(arm: ArmSummary, budget: float) -> Verdict:
    tail = arm.engine_at(0.95)
    return at_most(budget, tail.low, tail.high)
