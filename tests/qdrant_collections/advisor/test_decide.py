"""Keep, build, drop or cannot tell: one test for each way in which the figures can fall."""

import pytest

from opsctl.core.findings import Finding, Severity
from opsctl.qdrant_collections.advisor.decide import break_even, decide
from opsctl.qdrant_collections.advisor.model import Advice, Combination, Cost, Measured
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.intervals import Interval
from opsctl.vectors.statistics import Comparison, Ratio
from opsctl.vectors.strategies import Strategy
from opsctl.vectors.summary import ArmComparison, ArmSummary, TailEstimate

GOOD = (0.99, 1.0)


def an_arm(recall=GOOD, p95=(0.001, 0.002)):
    """Return an arm with these intervals of recall and of engine p95 in seconds."""
    tails = tuple(
        TailEstimate(quantile=share, value=sum(p95) / 2, low=p95[0], high=p95[1], needed=1)
        for share in (0.5, 0.95, 0.99, 0.999)
    )
    interval = Interval(value=sum(recall) / 2, low=recall[0], high=recall[1], size=500)
    return ArmSummary(
        name="x",
        collection="c",
        queries=1000,
        engine=tails,
        client=tails,
        recall=interval,
        empty_answers=0,
    )


def a_comparison(verdict, *, high=1.2):
    """Return a comparison with the derived collection."""
    return ArmComparison(
        baseline="x",
        contender="derived",
        clock="engine",
        quantile=0.5,
        ratio=Ratio(quantile=0.5, value=1.1, low=1.0, high=high),
        verdict=verdict,
        recall=Comparison.SAME,
        queries_needed=5000 if verdict is Comparison.CANNOT_TELL else None,
    )


def measured(
    arms=None, *, verdict=Comparison.BETTER, alias=None, qps=1.0, build=10.0, means=None, problems=()
):
    """Return figures in which everything is good and derived is better, with some things changed."""
    everything = {strategy: an_arm() for strategy in Strategy} | (arms or {})
    mean = {Strategy.DERIVED: 0.0005} | (means or {})
    return Measured(
        combination=Combination(
            name="au",
            filter=FilterSpec.model_validate({"region": "AU"}),
            recall_budget=0.95,
            p95_budget_seconds=0.005,
            rebuilds_per_day=24,
            queries_per_second=qps,
            alias=alias,
        ),
        arms=everything,
        mean_seconds={strategy: mean.get(strategy, 0.001) for strategy in Strategy},
        against={strategy: a_comparison(verdict) for strategy in Strategy},
        costs={strategy: Cost(memory_bytes=1.0, build_seconds=build) for strategy in Strategy},
        points=100,
        source_points=1000,
        problems=problems,
        is_valid=not problems,
    )


CHEAPER = (Strategy.PLANNER, Strategy.ACORN, Strategy.COMPOSITE)
LOSSY = dict.fromkeys(CHEAPER, an_arm(recall=(0.35, 0.45)))
SLOW = dict.fromkeys(CHEAPER, an_arm(p95=(0.010, 0.020)))
UNSURE = dict.fromkeys(CHEAPER, an_arm(recall=(0.94, 0.96)))


@pytest.mark.parametrize(
    ("figures", "unbuilt", "live"),
    [
        ({"arms": LOSSY}, Advice.BUILD, Advice.KEEP),
        ({"arms": SLOW}, Advice.BUILD, Advice.KEEP),
        ({"qps": 100.0}, Advice.BUILD, Advice.KEEP),
        ({"qps": 0.1}, Advice.SKIP, Advice.DROP),
        ({"verdict": Comparison.SAME}, Advice.SKIP, Advice.DROP),
        ({"verdict": Comparison.WORSE}, Advice.SKIP, Advice.DROP),
        ({"arms": {Strategy.DERIVED: an_arm(recall=(0.5, 0.6))}}, Advice.SKIP, Advice.DROP),
        ({"arms": {Strategy.DERIVED: an_arm(p95=(0.01, 0.02))}}, Advice.SKIP, Advice.DROP),
        ({"verdict": Comparison.CANNOT_TELL, "qps": 0.1}, Advice.SKIP, Advice.DROP),
        ({"verdict": Comparison.CANNOT_TELL, "qps": 100.0}, Advice.CANNOT_TELL, Advice.CANNOT_TELL),
        ({"arms": UNSURE}, Advice.CANNOT_TELL, Advice.CANNOT_TELL),
        (
            {"arms": LOSSY | {Strategy.DERIVED: an_arm(recall=(0.94, 0.96))}},
            Advice.CANNOT_TELL,
            Advice.CANNOT_TELL,
        ),
        (
            {"means": {Strategy.DERIVED: 0.002}, "qps": 100.0},
            Advice.CANNOT_TELL,
            Advice.CANNOT_TELL,
        ),
    ],
    ids=[
        "recall rescued",
        "latency rescued",
        "above break-even",
        "below break-even",
        "as fast",
        "slower",
        "derived misses recall",
        "derived misses p95",
        "hopeless even at best",
        "ratio unsettled",
        "budgets unsettled",
        "derived unsettled",
        "better median, worse mean",
    ],
)
def test_the_advice_follows_from_the_figures(figures, unbuilt, live):
    """What is worth it is built or kept; what is not is left alone or dropped."""
    assert decide(measured(**figures)).advice is unbuilt
    assert decide(measured(alias="au", **figures)).advice is live


def test_a_rescued_recall_is_said_in_words():
    """The reason names both recalls."""
    reason = decide(measured(LOSSY)).reason

    assert reason.startswith("recall is rescued: the planner finds 40% of the truth, derived 100%")


def test_a_cheaper_way_that_keeps_the_budgets_is_named():
    """Only ACORN keeps recall here, and it is as fast."""
    arms = LOSSY | {Strategy.ACORN: an_arm()}

    advice = decide(measured(arms, verdict=Comparison.SAME))

    assert (advice.advice, advice.alternative) == (Advice.SKIP, Strategy.ACORN)


def test_the_naive_baseline_is_no_alternative():
    """That no index finds everything does not speak against a derived collection."""
    arms = LOSSY | {Strategy.NO_INDEX: an_arm(recall=(1.0, 1.0))}

    assert decide(measured(arms)).advice is Advice.BUILD


def test_an_invalid_run_advises_nothing():
    """Whatever its figures say."""
    noise = Finding(code="BEN003", severity=Severity.ERROR, title="the machine is too noisy")

    advice = decide(measured(LOSSY, problems=(noise,)))

    assert (advice.advice, advice.reason) == (
        Advice.CANNOT_TELL,
        "the run is invalid: the machine is too noisy",
    )


def test_the_break_even_is_where_time_saved_meets_time_spent():
    """10 s a build, 24 builds a day, 0.5 ms saved: 5.56 queries/s, from both sides."""
    threshold = break_even(build_seconds=10, rebuilds_per_day=24, saved_seconds=0.0005)

    assert round(threshold, 2) == 5.56
    assert decide(measured(qps=threshold * 1.01)).advice is Advice.BUILD
    assert decide(measured(qps=threshold * 0.99)).advice is Advice.SKIP
