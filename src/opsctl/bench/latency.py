"""How much faster does a derived collection answer than the filtered source, and does it find as much."""

import math
from dataclasses import dataclass

from opsctl.bench.model import DERIVED, SOURCE, UNINDEXED, LatencyReport, LatencyRun, Target
from opsctl.bench.verdict import check_budgets, conclude
from opsctl.vectors.arms import Arm, Measurement, MeasurePlan
from opsctl.vectors.measure import Instruments, measure
from opsctl.vectors.queries import QuerySet
from opsctl.vectors.summary import ArmComparison, compare_arms, summarise
from opsctl.vectors.validity import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyOptions:
    """How long and how carefully to measure."""

    queries: int = 2000
    duration_seconds: float = math.inf
    limit: int = 10
    truth_queries: int = 500
    warm_up: int = 50
    limits: Limits = Limits()  # noqa: RUF009 - frozen, so sharing it is safe


def bench_latency(
    target: Target,
    *,
    queries: QuerySet,
    options: LatencyOptions,
    instruments: Instruments,
) -> LatencyRun:
    """Measure the filtered source and the derived collection in turns and judge them by the budgets.

    Raises:
        InconclusiveError: when a side is not at rest, or no query has an answer.
    """
    plan = plan_latency(target, queries=queries, options=options)
    measurement = measure(plan, instruments=instruments)
    return LatencyRun(report=report_latency(target, measurement), measurement=measurement)


def plan_latency(target: Target, *, queries: QuerySet, options: LatencyOptions) -> MeasurePlan:
    """Return what will be measured; the derived collection comes last and is its own control."""
    source = Arm(name=SOURCE, collection=target.source, filter=target.filter)
    unindexed = (
        [Arm(name=UNINDEXED, collection=target.unindexed, filter=target.filter)] if target.unindexed else []
    )
    return MeasurePlan(
        subject=target.name,
        arms=(source, *unindexed, Arm(name=DERIVED, collection=target.derived)),
        truth=source,
        queries=queries,
        limit=options.limit,
        wanted=options.queries,
        deadline_seconds=options.duration_seconds,
        warm_up=options.warm_up,
        truth_queries=options.truth_queries,
        limits=options.limits,
    )


def report_latency(target: Target, measurement: Measurement) -> LatencyReport:
    """Return the report of a measured target: pure, so that stored samples give it again."""
    summaries = tuple(summarise(samples) for samples in measurement.arms)
    comparisons = _comparisons(measurement)
    checks = check_budgets(target, summaries[-1])
    plan = measurement.plan
    return LatencyReport(
        subject=target.name,
        filter=str(target.filter),
        limit=plan.limit,
        queries=plan.queries.origin,
        query_digest=plan.queries.digest,
        arms=summaries,
        comparisons=comparisons,
        checks=checks,
        states=measurement.states,
        host=measurement.host,
        problems=measurement.problems,
        duration_seconds=measurement.duration_seconds,
        verdict=conclude(is_valid=measurement.is_valid, checks=checks, main=comparisons[0]),
    )


def _comparisons(measurement: Measurement) -> tuple[ArmComparison, ...]:
    baselines = [samples.arm.name for samples in measurement.arms[:-1]]
    return tuple(
        compare_arms(measurement, baseline=baseline, contender=DERIVED, share=share, clock=clock)
        for baseline in baselines
        for clock in ("engine", "client")
        for share in (0.5, 0.95)
    )
