"""How do running experiments become samples: who saw which arm, how far each is, and what its newest analysis says."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.evidence.model import Record
from opsctl.exporters.family import Value
from opsctl.metrics import exporters as metrics

ANALYSIS_KIND = "experiments.analyze"
BROKEN = "broken"
GUARDRAIL_STATES = (BROKEN, "kept", "uncertain")
UNKNOWN_ARM = "(unknown)"
"""No book can call an arm so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningExperiment:
    """What is known of an experiment that runs now.

    Args:
        digest: of its book; analyses of another book of this name do not count.
        weights: by arm.
        metrics: of its book; nothing else is told of an analysis.
        units: by arm, those in several arms left out.
        in_unknown_arms: units in arms that the book does not have.
        sample_ratio_p: how likely these units are by chance; None where nobody can say.
        horizon_passed: how much of its time is over, above 1 where it runs too long; None where a clock went back.
        looks: how often somebody has looked.
    """

    name: str
    digest: str
    weights: Mapping[str, float]
    metrics: Collection[str]
    units: Mapping[str, int]
    in_unknown_arms: int
    in_several_arms: int
    sample_ratio_p: float | None
    horizon_passed: float | None
    ramp: float
    looks: int


def experiment_values(running: Sequence[RunningExperiment], analyses: Iterable[Record]) -> tuple[Value, ...]:
    """Return the samples; analyses are records, the newest first."""
    newest = _newest(analyses)
    values = list[Value]()
    for each in running:
        values += _of_units(each)
        values += _of_progress(each)
        if (analysis := newest.get((each.name, each.digest))) is not None:
            values += _of_analysis(each, analysis)
    return tuple(values)


def _newest(records: Iterable[Record]) -> dict[tuple[str, str | None], Record]:
    """Return the newest analysis by name and book; those of simulated readers tell nothing of what runs."""
    newest: dict[tuple[str, str | None], Record] = {}
    for record in records:
        if record.kind == ANALYSIS_KIND and not record.simulated:
            newest.setdefault((record.subject, record.inputs.get("experiment")), record)
    return newest


def _of_units(each: RunningExperiment) -> Iterator[Value]:
    for arm, weight in each.weights.items():
        yield Value(metrics.EXPERIMENT_UNITS, (each.name, arm), float(each.units.get(arm, 0)))
        yield Value(metrics.EXPERIMENT_WEIGHT, (each.name, arm), weight)
    if each.in_unknown_arms:
        yield Value(metrics.EXPERIMENT_UNITS, (each.name, UNKNOWN_ARM), float(each.in_unknown_arms))
    yield Value(metrics.EXPERIMENT_SEVERAL_ARMS, (each.name,), float(each.in_several_arms))
    if each.sample_ratio_p is not None:
        yield Value(metrics.EXPERIMENT_SAMPLE_RATIO, (each.name,), each.sample_ratio_p)


def _of_progress(each: RunningExperiment) -> Iterator[Value]:
    if each.horizon_passed is not None:
        yield Value(metrics.EXPERIMENT_HORIZON, (each.name,), each.horizon_passed)
    yield Value(metrics.EXPERIMENT_RAMP, (each.name,), each.ramp)
    yield Value(metrics.EXPERIMENT_LOOKS, (each.name,), float(each.looks))


def _of_analysis(each: RunningExperiment, record: Record) -> Iterator[Value]:
    yield Value(metrics.EXPERIMENT_ANALYSED, (each.name,), record.recorded_at.timestamp())
    outcome = record.figures.get("outcome")
    if outcome in metrics.OUTCOMES:
        for known in metrics.OUTCOMES:
            yield Value(metrics.EXPERIMENT_VERDICT, (each.name, known), float(known == outcome))
    yield from _of_guardrails(each, _mapping(record.figures.get("guardrails")))
    lifts = _mapping(record.figures.get("lifts"))
    for metric in each.metrics:
        for arm in each.weights:
            for figure, number in _mapping(lifts.get(f"{metric}/{arm}")).items():
                if figure in metrics.LIFT_FIGURES and _is_finite(number):
                    yield Value(metrics.EXPERIMENT_LIFT, (each.name, metric, arm, figure), float(number))


def _of_guardrails(each: RunningExperiment, states: Mapping[str, Any]) -> Iterator[Value]:
    """Yield whether each guardrail is broken; of an analysis by a version that did not say so, nothing."""
    for metric in each.metrics:
        for arm in each.weights:
            state = states.get(f"{metric}/{arm}")
            if state in GUARDRAIL_STATES:
                yield Value(metrics.EXPERIMENT_GUARDRAIL, (each.name, metric, arm), float(state == BROKEN))


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _is_finite(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
