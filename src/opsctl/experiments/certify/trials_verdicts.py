"""Trials of whole analyses: how often is a change shipped that does nothing, that helps, and that breaks a guardrail?

Each experiment goes through `analyse` as those of readers do: arms of chance's sizes, a primary metric of two treatments in
one family by Holm, a secondary one, a guardrail, every look that the rule allows. Whoever looks stops at the first verdict.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opsctl.experiments.analysis.checks import Seen
from opsctl.experiments.analysis.model import MetricData, Snapshot, Subject, UnitData
from opsctl.experiments.analysis.run import analyse
from opsctl.experiments.book import Experiment
from opsctl.experiments.certify.model import Flags, Floats, Null, Planted, Promise
from opsctl.experiments.certify.promises import replications_of, shipping
from opsctl.experiments.effects import parse_effect
from opsctl.experiments.metric_book import Baseline
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.power import design_of, units_needed
from opsctl.experiments.verdict import Outcome, Verdict

_START = datetime(2026, 1, 1, tzinfo=UTC)
_DAYS = 14
_CONTROL, _OTHER, _CHANGED = "control", "other", "changed"
_WEIGHTS = {_CONTROL: 0.4, _OTHER: 0.3, _CHANGED: 0.3}
_RATE, _SHAPE = 3.0, 1.5
"""Of clicks: their mean, and the shape of the Gamma by which readers differ."""
_OPENED, _RETURNED = 0.2, 0.6
_MARGIN = 0.12
"""Of the guardrail; so wide that it hardly ever stands in the way of a change that does no harm."""
_LIFT = "15%"
_WINDOW = {"window": "1d"}
_BOOK: dict[str, Any] = {
    "title": "a certification",
    "hypothesis": "the verdicts keep their error rates",
    "owner": "the certificate",
    "decision": "none: nobody ships a certification",
    "arms": {arm: {"weight": weight} for arm, weight in _WEIGHTS.items()},
    "horizon": f"{_DAYS}d",
    "metrics": {
        "clicks": _WINDOW | {"kind": "mean", "events": ["click"], "role": "primary", "mde": _LIFT},
        "opened": _WINDOW | {"kind": "proportion", "events": ["view"], "role": "secondary"},
        "returned": _WINDOW
        | {"kind": "proportion", "events": ["session"], "role": "guardrail", "margin": "12pp"},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of the treatment `changed`; the other one is always like the control.

    Args:
        more: how many more clicks each of its readers makes; the same for all, as the plan reckons with one variance.
        harm: by how much fewer of its readers return.
    """

    more: float = 0.0
    harm: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """Whole experiments under one stopping rule.

    Args:
        method: as certificates name the rule's verdicts.
        stopping: part `stopping` of the book.
        looks: days at whose end somebody looks; the last one is the horizon.
    """

    method: Method
    stopping: Mapping[str, Any]
    looks: Sequence[int]

    @property
    def promises(self) -> tuple[Promise, ...]:
        """Return what it must keep."""
        book = self._experiment
        return shipping(replications_of(self.method), alpha=book.alpha, power=book.power)

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Run experiments whose arms are alike: whatever is shipped is shipped for nothing."""
        shipped = self._shipped(
            generator, replications, truth=Truth(), is_counted=lambda arm: arm is not None
        )
        return Null(found=shipped.astype(np.float64))

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Run experiments of one treatment with the lift that was planned for; then with harm of just the margin, too.

        The harmful one is twice as much better as was planned for, so that nothing but its guardrail is in its way.
        """
        lift = parse_effect(_LIFT).absolute(_RATE)

        def is_changed(arm: str | None) -> bool:
            return arm == _CHANGED

        helps = Truth(more=lift)
        harms = Truth(more=2 * lift, harm=_MARGIN)
        return Planted(
            found=self._shipped(generator, replications, truth=helps, is_counted=is_changed),
            harmful=self._shipped(generator, replications, truth=harms, is_counted=is_changed),
        )

    @cached_property
    def _experiment(self) -> Experiment:
        """Return the book, with the units that its own plan asks for."""
        book = Experiment.model_validate(_BOOK | {"stopping": dict(self.stopping)})
        design = design_of(
            book,
            book.metrics["clicks"],
            arm=_CHANGED,
            baseline=Baseline(mean=_RATE, deviation=(_RATE + _RATE**2 / _SHAPE) ** 0.5),
        )
        if isinstance(design, CannotTell):
            raise TypeError(f"a trial says nothing: {design.because}")
        return book.model_copy(update={"units": units_needed(design, parse_effect(_LIFT).absolute(_RATE))})

    def _shipped(
        self,
        generator: np.random.Generator,
        replications: int,
        *,
        truth: Truth,
        is_counted: Callable[[str | None], bool],
    ) -> Flags:
        subject = Subject(
            name="certification", experiment=self._experiment, digest="0" * 64, started_at=_START
        )
        found = [self._verdict(subject, self._snapshots(generator, truth=truth)) for _ in range(replications)]
        return np.array([each.outcome is Outcome.SHIP and is_counted(each.arm) for each in found])

    @staticmethod
    def _verdict(subject: Subject, snapshots: Sequence[Snapshot]) -> Verdict:
        """Return the first verdict that ends it, of somebody who takes every look."""
        verdict: Verdict | None = None
        for number in range(1, len(snapshots) + 1):
            seen = Seen(units=snapshots[number - 1].units)
            verdict = analyse(subject, snapshots[:number], seen=seen).verdict
            if verdict.outcome is not Outcome.KEEP_RUNNING:
                break
        if verdict is None:
            raise ValueError("a trial has no look")
        return verdict

    def _snapshots(self, generator: np.random.Generator, *, truth: Truth) -> list[Snapshot]:
        """Return what is known at each look; as many readers come on each day as on any other."""
        units = self._experiment.units or 0
        arms = generator.choice(len(_WEIGHTS), units, p=list(_WEIGHTS.values()))
        values = {arm: _values(generator, arms == place, arm, truth) for place, arm in enumerate(_WEIGHTS)}
        return [
            _snapshot(values, arms[: units * day // _DAYS], at=_START + timedelta(days=day))
            for day in self.looks
        ]


def verdict_trials() -> tuple[Verdicts, ...]:
    """Return the trials of whole analyses, one of each stopping rule."""
    return (
        Verdicts(method=Method.VERDICT_FIXED, stopping={"rule": "fixed"}, looks=(7, 14)),
        Verdicts(
            method=Method.VERDICT_GROUP_SEQUENTIAL,
            stopping={"rule": "group_sequential", "looks": ["5d", "10d"]},
            looks=(5, 10, 14),
        ),
        Verdicts(
            method=Method.VERDICT_ALWAYS_VALID,
            stopping={"rule": "always_valid"},
            looks=(3, 6, 9, 12, 14),
        ),
    )


def _values(
    generator: np.random.Generator, is_of_arm: NDArray[np.bool_], arm: str, truth: Truth
) -> dict[str, Floats]:
    """Return by metric the value of each unit of an arm, in the order in which they came."""
    count, own = int(is_of_arm.sum()), truth if arm == _CHANGED else Truth()
    return {
        "clicks": own.more
        + generator.poisson(generator.gamma(_SHAPE, _RATE / _SHAPE, count)).astype(np.float64),
        "opened": (generator.random(count) < _OPENED).astype(np.float64),
        "returned": (generator.random(count) < _RETURNED - own.harm).astype(np.float64),
    }


def _snapshot(
    values: Mapping[str, Mapping[str, Floats]], arms: NDArray[np.int64], *, at: datetime
) -> Snapshot:
    units = dict(zip(_WEIGHTS, np.bincount(arms, minlength=len(_WEIGHTS)).tolist(), strict=True))
    return Snapshot(at=at, units=units, metrics=dict(_metrics(values, units)))


def _metrics(
    values: Mapping[str, Mapping[str, Floats]], units: Mapping[str, int]
) -> Iterator[tuple[str, MetricData]]:
    for metric in _BOOK["metrics"]:
        yield (
            metric,
            UnitData(arms={arm: [moments_of(values[arm][metric][: units[arm]])] for arm in _WEIGHTS}),
        )
