"""Which way of searching fits which filter: shapes of filters times selectivities times strategies."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any

from opsctl.core.errors import NotReadyError
from opsctl.core.findings import Finding, Severity
from opsctl.vectors.arms import MeasurePlan
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.measure import Instruments, measure
from opsctl.vectors.queries import QuerySet
from opsctl.vectors.strategies import Strategy, arm
from opsctl.vectors.summary import ArmComparison, ArmSummary, compare_arms, summarise
from opsctl.vectors.validity import Limits

Payload = Mapping[str, Any]

TARGETS = (0.2, 0.05, 0.01)
"""Wanted shares of points that pass: broad, middling, narrow."""

_MOST_VALUES = 60  # of a keyword field that are looked at, the most frequent first


class Shape(StrEnum):
    """The shapes of filters that are measured."""

    KEYWORD = "keyword"
    TWO_KEYWORDS = "keyword+keyword"
    RANGE = "range"
    TWO_KEYWORDS_AND_RANGE = "keyword+keyword+range"
    ANY_OF = "any of"
    EXCEPT = "except"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterCase:
    """A filter of the matrix with the share of points that pass it."""

    shape: Shape
    wanted: float
    filter: FilterSpec
    points: int
    selectivity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What the strategies achieved on one filter."""

    case: FilterCase
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[ArmComparison, ...]
    problems: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        """Tell whether the figures of this filter may be compared."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOptions:
    """How long and how carefully each filter is measured."""

    queries: int = 400
    limit: int = 10
    limits: Limits = Limits()  # noqa: RUF009 - frozen, so sharing it is safe


def find_cases(
    payloads: Sequence[Payload], *, targets: Sequence[float] = TARGETS, shapes: Sequence[Shape] = tuple(Shape)
) -> list[FilterCase]:
    """Return for each shape and target the filter on this data whose share of points comes nearest.

    Raises:
        NotReadyError: BEN015 when no payload field has values to filter by.
    """
    keywords, numbers = _keyword_fields(payloads), _number_fields(payloads)
    if not keywords and not numbers:
        raise NotReadyError(
            "no payload field of the source can be filtered by",
            code="BEN015",
            why="no field holds the same text in several points, and none holds numbers",
            fix="fill the source with payloads: opsctl catalog generate",
        )
    cases: dict[tuple[Shape, str], FilterCase] = {}
    for shape in shapes:
        candidates = list(_candidates(shape, keywords, numbers, targets))
        counted = [(spec, sum(map(spec.matches, payloads))) for spec in candidates[:400]]
        for wanted in targets:
            best = _nearest(counted, wanted=wanted, total=len(payloads))
            if best is None:
                continue
            spec, points = best
            share = points / len(payloads)
            case = FilterCase(shape=shape, wanted=wanted, filter=spec, points=points, selectivity=share)
            cases.setdefault((shape, str(spec)), case)
    return list(cases.values())


def with_exact_counts(
    cases: Sequence[FilterCase], *, total: int, count: Callable[[FilterSpec], int]
) -> list[FilterCase]:
    """Return the cases with the exact number of points that pass, counted by the database itself."""
    counted = [(case, count(case.filter)) for case in cases]
    return [replace(case, points=points, selectivity=points / total) for case, points in counted if points]


def measure_case(
    case: FilterCase,
    *,
    source: str,
    derived: str | None,
    queries: QuerySet,
    options: FilterOptions,
    instruments: Instruments,
) -> CaseResult:
    """Measure planner, ACORN and, where there is one, the derived collection on one filter."""
    planner = arm(Strategy.PLANNER, collection=source, spec=case.filter)
    arms = [planner, arm(Strategy.ACORN, collection=source, spec=case.filter)]
    if derived is not None:
        arms.append(arm(Strategy.DERIVED, collection=derived, spec=case.filter))
    plan = MeasurePlan(
        subject=f"{case.shape} {case.selectivity:.1%}",
        arms=tuple(arms),
        truth=planner,
        queries=queries,
        limit=options.limit,
        wanted=options.queries,
        truth_queries=min(options.queries, 200),
        warm_up=20,
        limits=options.limits,
    )
    measured = measure(plan, instruments=instruments)
    comparisons = tuple(
        compare_arms(measured, baseline=Strategy.PLANNER, contender=each.name, share=0.5) for each in arms[1:]
    )
    return CaseResult(
        case=case,
        arms=tuple(summarise(samples) for samples in measured.arms),
        comparisons=comparisons,
        problems=measured.problems,
    )


def problems_of(results: Sequence[CaseResult]) -> tuple[Finding, ...]:
    """Return what was wrong with the matrix: of each filter, or that there was none to measure."""
    if not results:
        return (
            Finding(
                code="BEN016",
                severity=Severity.ERROR,
                title="nothing was measured: no filter on this data lets a share of points pass that is near to one wanted",
                evidence=f"wanted are {', '.join(f'{target:.0%}' for target in TARGETS)}, within three times",
                fix="fill the source with more, and more varied, payloads: opsctl catalog generate",
            ),
        )
    return tuple(problem for result in results for problem in result.problems)


def is_valid_matrix(results: Sequence[CaseResult]) -> bool:
    """Tell whether there are figures, and each may be compared."""
    return bool(results) and all(result.is_valid for result in results)


def _keyword_fields(payloads: Sequence[Payload]) -> dict[str, list[str]]:
    """Return the fields whose texts repeat, each with its values, the most frequent first."""
    counters: dict[str, Counter[str]] = {}
    for payload in payloads:
        for key, value in payload.items():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, str):
                    counters.setdefault(key, Counter())[each] += 1
    # A field in which nearly every point has its own text is a name or a title, no keyword.
    return {
        key: [value for value, _ in counter.most_common(_MOST_VALUES)]
        for key, counter in sorted(counters.items())
        if len(counter) <= max(2, sum(counter.values()) // 3)
    }


def _number_fields(payloads: Sequence[Payload]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for payload in payloads:
        for key, value in payload.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                values.setdefault(key, []).append(float(value))
    return {key: sorted(numbers) for key, numbers in sorted(values.items()) if len(set(numbers)) > 1}


def _candidates(
    shape: Shape,
    keywords: Mapping[str, list[str]],
    numbers: Mapping[str, list[float]],
    targets: Sequence[float],
) -> Iterable[FilterSpec]:
    conditions: Iterable[dict[str, Any]]
    match shape:
        case Shape.KEYWORD:
            conditions = ({key: value} for key, values in keywords.items() for value in values)
        case Shape.TWO_KEYWORDS:
            conditions = _pairs(keywords)
        case Shape.RANGE:
            conditions = (_upper(key, numbers[key], share) for key in numbers for share in targets)
        case Shape.TWO_KEYWORDS_AND_RANGE:
            conditions = (
                pair | _upper(key, numbers[key], 0.5) for pair in _pairs(keywords) for key in numbers
            )
        case Shape.ANY_OF:
            conditions = (
                {key: list(pair)} for key, values in keywords.items() for pair in combinations(values[:12], 2)
            )
        case Shape.EXCEPT:
            conditions = (
                {key: {"except": values[:count]}}
                for key, values in keywords.items()
                for count in range(1, min(8, len(values)))
            )
    return (FilterSpec.model_validate(each) for each in conditions)


def _pairs(keywords: Mapping[str, list[str]]) -> Iterable[dict[str, Any]]:
    """Yield pairs of values of two fields, broad and narrow ones alike."""
    for first, second in combinations(keywords, 2):
        for one in keywords[first][:10]:
            for two in keywords[second][:10]:
                yield {first: one, second: two}


def _upper(key: str, ordered: list[float], share: float) -> dict[str, Any]:
    """Return the range that the highest `share` of the values pass."""
    return {key: {"gte": ordered[min(len(ordered) - 1, int(len(ordered) * (1 - share)))]}}


def _nearest(
    counted: Sequence[tuple[FilterSpec, int]], *, wanted: float, total: int
) -> tuple[FilterSpec, int] | None:
    """Return the filter whose share comes nearest in proportion; one that is more than 3x off is not it."""
    fitting = [
        (max(points / total / wanted, wanted * total / points), place, spec, points)
        for place, (spec, points) in enumerate(counted)
        if points
    ]
    best = min(fitting, key=lambda each: each[:2], default=None)
    return (best[2], best[3]) if best is not None and best[0] <= 3 else None
