"""Prometheus is told what the plan and the traffic cost, and how much of the budget that is; never what nobody knows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsctl.evidence.model import Record, Verdict
from opsctl.exporters.costs import cost_values
from opsctl.metrics import exporters as metrics


def estimate(verdict: Verdict = Verdict.FAIL, **figures: Any) -> Record:
    """Return the record of an estimate."""
    at = datetime(2026, 11, 29, tzinfo=UTC)
    return Record(
        sequence=1,
        id="1",
        kind="costs.estimate",
        subject="project",
        verdict=verdict,
        figures=figures,
        inputs={},
        tools={},
        git_commit=None,
        started_at=at,
        duration_seconds=0.1,
        recorded_at=at,
        expires_at=at + timedelta(days=30),
    )


def told(*records: Record, traffic: float | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return what Prometheus is told, by metric and labels."""
    values = cost_values(records, budget_usd=500, traffic_usd=traffic)
    return {(value.metric.name, value.labels): value.number for value in values}


BILLS: dict[str, Any] = {
    "binding_point": "average",
    "reduction_share": 0.62,
    "points": {
        "average": {
            "month_usd": 600.0,
            "per_1000_feeds_usd": 2.0,
            "parts": {"edge": 5.0, "model": 595.0, "unheard_of": 1.0},
        },
        "sustained": {
            "month_usd": None,
            "per_1000_feeds_usd": None,
            "parts": {"edge": 7886.0, "vectors": None},
        },
    },
}


def test_the_newest_estimate_is_told_by_load_and_part():
    """What is not known is left out, and so is a part that the contract does not have."""
    samples = told(estimate(**BILLS), estimate(points={"average": {"month_usd": 1.0}}))

    assert samples[metrics.COST_MONTH.name, ("average",)] == 600
    assert samples[metrics.COST_MONTH_PART.name, ("average", "model")] == 595
    assert samples[metrics.COST_MONTH_PART.name, ("sustained", "edge")] == 7886
    assert samples[metrics.COST_REDUCTION.name, ()] == pytest.approx(0.62)
    assert (metrics.COST_MONTH.name, ("sustained",)) not in samples
    assert not [labels for _, labels in samples if "vectors" in labels or "unheard_of" in labels]


def test_more_than_the_budget_is_a_ratio_above_one():
    """On which `cost_over_budget` fires: of the plan where the budget binds, and of the traffic of now."""
    samples = told(estimate(**BILLS), traffic=250.0)

    assert samples[metrics.COST_BUDGET_USED.name, ("plan",)] == pytest.approx(1.2)
    assert samples[metrics.COST_BUDGET_USED.name, ("traffic",)] == pytest.approx(0.5)
    assert samples[metrics.COST_TRAFFIC.name, ()] == 250


@pytest.mark.parametrize(("known", "used"), [(900.0, 1.8), (499.0, None)])
def test_a_bill_whose_known_part_is_too_much_is_over_the_budget(known: float, used: float | None):
    """The estimate calls it missed, so the alert has to fire; less than that says nothing of the whole."""
    bill = {"month_usd": None, "known_usd": known}

    samples = told(estimate(binding_point="average", points={"average": bill}))

    assert samples.get((metrics.COST_BUDGET_USED.name, ("plan",))) == used
    assert (metrics.COST_MONTH.name, ("average",)) not in samples


@pytest.mark.parametrize("figures", [{}, {"points": None}, {"points": {"average": {"month_usd": "600"}}}])
def test_without_a_bill_only_the_budget_is_told(figures: dict[str, Any]):
    """An alert on a bill that nobody made up would be a lie, whichever way."""
    assert told(estimate(**figures)) == {(metrics.COST_BUDGET.name, ()): 500}
    assert told() == {(metrics.COST_BUDGET.name, ()): 500}
