"""A look at one experiment, and the crossing of two, through any database that speaks the common SQL."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from opsctl.core.errors import UsageError
from opsctl.experiments.metric_book import Metric, MetricKind
from opsctl.experiments.statistics.moments import Moments
from opsctl.experiments.warehouse.counting import count_population
from opsctl.experiments.warehouse.frame import Frame, crossed_frame, frame_of
from opsctl.experiments.warehouse.measuring import measure_means
from opsctl.experiments.warehouse.measuring_quantiles import measure_quantiles
from opsctl.experiments.warehouse.metric_statements import Wanted
from opsctl.experiments.warehouse.model import Caps, Crossing, Maturity, Measured, Population, Trial
from opsctl.experiments.warehouse.query import Engine, microseconds


class SqlLook:
    """An open look at one experiment."""

    def __init__(self, engine: Engine, trial: Trial, *, at: Sequence[datetime]) -> None:
        self._engine = engine
        self._trial = trial
        self._at = tuple(at)
        self._frame = frame_of(engine, trial, at=at)

    def population(self, *, at: datetime | None = None) -> Population:
        """Return who was in the experiment at a moment."""
        return count_population(self._engine, self._frame, self._trial, at=self._moment(at))

    def measure(
        self,
        *,
        at: datetime | None = None,
        metrics: Collection[str] | None = None,
        by_day: bool = False,
        caps: Mapping[str, Caps] | None = None,
        maturity: Maturity = Maturity.MATURE,
    ) -> Measured:
        """Return what metrics came to at a moment."""
        moment = self._moment(at)
        closing = microseconds(self._trial.closing(moment))
        wanted = Wanted(
            start=self._frame.start,
            closing=closing,
            bucket=self._frame.bucket(closing),
            quotient=self._engine.dialect.quotient,
            metrics=self._named(metrics),
            by_day=by_day,
            maturity=maturity,
        )
        return _measured(self._engine, self._frame, wanted, at=moment, caps=caps or {})

    def _moment(self, at: datetime | None) -> datetime:
        if at is not None and at not in self._at:
            raise UsageError(
                f"the look at `{self._trial.name}` was not opened for {at.isoformat()}",
                code="EXP050",
                fix="open it for all moments that are asked for",
            )
        return self._at[-1] if at is None else at

    def _named(self, names: Collection[str] | None) -> Mapping[str, Metric]:
        metrics = self._trial.book.metrics
        unknown = sorted(set(names or ()) - set(metrics))
        if unknown:
            raise UsageError(
                f"`{self._trial.name}` has no metric `{unknown[0]}`",
                code="EXP066",
                fix=f"its metrics are: {', '.join(metrics)}",
            )
        return {name: each for name, each in metrics.items() if names is None or name in names}


def cross(
    engine: Engine, one: Trial, other: Trial, *, at: datetime, metrics: Mapping[str, Metric]
) -> Crossing:
    """Return the units that are in both experiments."""
    plain = {
        name: each.model_copy(update={"pre_period": None})
        for name, each in metrics.items()
        if each.kind is not MetricKind.QUANTILE
    }
    frame = crossed_frame(engine, one, other, at=at, metrics=plain)
    wanted = Wanted(
        start=frame.start,
        closing=frame.closings[-1],
        bucket=None,
        quotient=engine.dialect.quotient,
        metrics=plain,
        by_day=False,
        maturity=Maturity.MATURE,
    )
    means, totals = measure_means(engine, frame, wanted, frozen={})
    pairs = [(first, second) for first in one.book.arms for second in other.book.arms]
    return Crossing(
        one=one.name,
        other=other.name,
        units={pair: totals.units.get(place, 0) for place, pair in enumerate(pairs)},
        means={name: _by_pair(pairs, frame, rows.of_arm) for name, rows in means.items()},
    )


def _measured(
    engine: Engine, frame: Frame, wanted: Wanted, *, at: datetime, caps: Mapping[str, Caps]
) -> Measured:
    averaged = {name: each for name, each in wanted.metrics.items() if each.kind is not MetricKind.QUANTILE}
    means, totals = measure_means(engine, frame, replace(wanted, metrics=averaged), frozen=caps)
    return Measured(
        at=at,
        means=means,
        quantiles=measure_quantiles(engine, frame, wanted),
        spoiled={arm: totals.spoiled.get(place, 0) for place, arm in enumerate(frame.arms)},
    )


def _by_pair(
    pairs: Sequence[tuple[str, str]], frame: Frame, of_arm: Callable[[str], Moments]
) -> dict[tuple[str, str], Moments]:
    return {pair: of_arm(arm) for pair, arm in zip(pairs, frame.arms, strict=True)}
