"""Which way answers a hot filter best on this data: every strategy measured, every combination judged."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.clients.qdrant_values import CollectionState, PointId
from opsctl.core.events import Noted
from opsctl.qdrant_collections.advisor.decide import CHEAPER, decide
from opsctl.qdrant_collections.advisor.model import (
    Advice,
    Combination,
    CombinationPlan,
    Cost,
    Measured,
    PlanReport,
)
from opsctl.qdrant_collections.advisor.strategies import (
    Ground,
    arms_of,
    build_derived,
    costs_of,
    prepare_ground,
)
from opsctl.vectors.arms import Arm, Measurement, MeasurePlan
from opsctl.vectors.measure import Instruments, measure, require_rest
from opsctl.vectors.queries import QuerySet, VectorPool
from opsctl.vectors.scratch import Copy, ScratchCopies
from opsctl.vectors.strategies import Strategy
from opsctl.vectors.summary import compare_arms, summarise
from opsctl.vectors.validity import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """How long and how carefully to measure."""

    queries: int = 1000
    limit: int = 10
    truth_queries: int = 500
    max_points: int = 50_000
    seed: int = 0
    deadline_seconds: float = math.inf
    limits: Limits = Limits()  # noqa: RUF009 - frozen, so sharing it is safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The source of all combinations: its name, its state and the length of its vectors."""

    name: str
    state: CollectionState
    points: int
    dimension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """What planning works with: stored vectors, a maker of scratch copies, and the measuring instruments."""

    pool: VectorPool
    copies: ScratchCopies
    instruments: Instruments


def plan_combinations(
    combinations: Sequence[Combination],
    *,
    source: Source,
    queries: QuerySet,
    options: PlanOptions,
    bench: Workbench,
) -> PlanReport:
    """Measure every combination and return advice for each; the bench removes what was built for it.

    Raises:
        InconclusiveError: BEN001 when the source or a live derived collection is not green and idle.
    """
    copies, instruments = bench.copies, bench.instruments
    start = instruments.clock.monotonic()
    _require_rest(combinations, source=source, instruments=instruments)
    ids = sample_ids(bench.pool, source, most=options.max_points, seed=options.seed)
    if ids is not None:
        message = f"figures hold for a sample of {len(ids):,} of {source.points:,} points"
        instruments.listener(Noted(subject=source.name, message=message))
    ground = prepare_ground(
        copies, source=source.name, state=source.state, combinations=combinations, ids=ids
    )
    plans = []
    for combination in combinations:
        derived = build_derived(copies, combination, ground=ground, source=source.name)
        measured = _measure(
            combination,
            ground=ground,
            derived=derived,
            dimension=source.dimension,
            setting=(queries, options, instruments),
        )
        plans.append(CombinationPlan(measured=measured, recommendation=decide(measured)))
        copies.drop(derived)
    return PlanReport(
        source=source.name,
        points=ground.points,
        sampled_of=source.points if ids is not None else None,
        overlap=_overlap(plans, points=ground.points),
        limit=options.limit,
        plans=tuple(plans),
        duration_seconds=instruments.clock.monotonic() - start,
    )


def sample_ids(pool: VectorPool, source: Source, *, most: int, seed: int) -> list[PointId] | None:
    """Return a uniform sample of the source's ids, or None when all of it fits the budget."""
    import numpy as np

    if source.points <= most:
        return None
    ids = sorted(pool.point_ids(source.name), key=lambda point: (isinstance(point, str), point))
    chosen = np.random.default_rng(seed).choice(len(ids), size=min(most, len(ids)), replace=False)
    return [ids[index] for index in np.sort(chosen)]


def _require_rest(combinations: Sequence[Combination], *, source: Source, instruments: Instruments) -> None:
    arms = [
        Arm(name=Strategy.DERIVED, collection=each.alias) for each in combinations if each.alias is not None
    ]
    require_rest(arms, Arm(name=Strategy.PLANNER, collection=source.name), states=instruments.states)


def _measure(
    combination: Combination,
    *,
    ground: Ground,
    derived: Copy,
    dimension: int,
    setting: tuple[QuerySet, PlanOptions, Instruments],
) -> Measured:
    queries, options, instruments = setting
    # A live derived collection is measured itself; the copy then only says what building costs.
    place = combination.alias if combination.alias and ground.ids is None else derived.collection
    arms = arms_of(combination, ground=ground, derived=place)
    plan = MeasurePlan(
        subject=combination.name,
        arms=arms,
        truth=arms[1],
        queries=queries,
        limit=options.limit,
        wanted=options.queries,
        deadline_seconds=options.deadline_seconds,
        truth_queries=options.truth_queries,
        limits=options.limits,
    )
    run = measure(plan, instruments=instruments)
    return _measured(
        run,
        combination,
        costs=costs_of(combination, ground=ground, derived=derived, dimension=dimension),
        points=(derived.points, ground.points),
    )


def _measured(
    run: Measurement, combination: Combination, *, costs: dict[Strategy, Cost], points: tuple[int, int]
) -> Measured:
    samples = {Strategy(each.arm.name): each for each in run.arms}
    return Measured(
        combination=combination,
        arms={strategy: summarise(each) for strategy, each in samples.items()},
        mean_seconds={strategy: float(each.engine_ns.mean()) / 1e9 for strategy, each in samples.items()},
        against={
            strategy: compare_arms(run, baseline=strategy, contender=Strategy.DERIVED, share=0.5)
            for strategy in (Strategy.NO_INDEX, *CHEAPER)
        },
        costs=costs,
        points=points[0],
        source_points=points[1],
        problems=run.problems,
        is_valid=run.is_valid,
    )


def _overlap(plans: Sequence[CombinationPlan], *, points: int) -> float:
    wanted = (Advice.BUILD, Advice.KEEP)
    held = sum(plan.measured.points for plan in plans if plan.recommendation.advice in wanted)
    return held / points if points else 0.0
