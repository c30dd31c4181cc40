"""What do all statements of one look share: arms, metrics, moments, and how the units are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsctl.core.errors import UsageError
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.warehouse.columns import Columns, columns_of
from opsctl.experiments.warehouse.metric_statements import sums_stage
from opsctl.experiments.warehouse.model import Trial
from opsctl.experiments.warehouse.query import Engine, Query, Stage, microseconds
from opsctl.experiments.warehouse.unit_statements import Exposed, crossed_units_stage, units_stage

_PARAMETER = "experiment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all statements of a look share.

    Args:
        arms: names; in statements an arm is its place among them.
        start: from here on exposures and events count...
        closings: ... and until one of these moments, which rise.
        units: the stages that find the units; the last one is called `units`.
        parameters: that these stages need.
    """

    arms: tuple[str, ...]
    metrics: Mapping[str, Metric]
    columns: Columns
    start: int
    closings: tuple[int, ...]
    units: tuple[Stage, ...]
    parameters: Mapping[str, str]

    def with_sums(self, engine: Engine) -> tuple[Stage, ...]:
        """Return the stages up to the sums of each unit."""
        return (*self.units, sums_stage(engine, self.columns, start=self.start, closings=self.closings))

    def bucket(self, closing: int) -> int | None:
        """Return the place of a moment among several."""
        return self.closings.index(closing) if len(self.closings) > 1 else None


def frame_of(engine: Engine, trial: Trial, *, at: Sequence[datetime]) -> Frame:
    """Return the frame of one experiment.

    Raises:
        UsageError: EXP050 a moment makes no sense, or they do not rise.
    """
    closings = [microseconds(trial.closing(moment)) for moment in at]
    if not closings or closings != sorted(closings):
        raise UsageError(
            f"a look at `{trial.name}` needs moments that rise",
            code="EXP050",
            fix="name them in the order of time",
        )
    exposed = exposed_in(trial, until=closings[-1], parameter=_PARAMETER)
    return Frame(
        arms=tuple(trial.book.arms),
        metrics=trial.book.metrics,
        columns=columns_of(trial.book.metrics),
        start=microseconds(trial.start),
        closings=tuple(sorted(set(closings))),
        units=(units_stage(engine, exposed),),
        parameters={_PARAMETER: trial.name},
    )


def crossed_frame(
    engine: Engine, one: Trial, other: Trial, *, at: datetime, metrics: Mapping[str, Metric]
) -> Frame:
    """Return the frame of the units that two experiments share, while both run; arms are all pairs, the second one fastest."""
    closing = min(one.closing(at), other.closing(at))
    stages = [
        units_stage(
            engine,
            exposed_in(trial, until=microseconds(closing), parameter=f"{_PARAMETER}_{place}"),
            name=f"units_{place}",
        )
        for place, trial in enumerate((one, other))
    ]
    return Frame(
        arms=tuple(f"{first}/{second}" for first in one.book.arms for second in other.book.arms),
        metrics=metrics,
        columns=columns_of(metrics),
        start=microseconds(max(one.start, other.start)),
        closings=(microseconds(closing),),
        units=(*stages, crossed_units_stage(len(other.book.arms))),
        parameters={f"{_PARAMETER}_0": one.name, f"{_PARAMETER}_1": other.name},
    )


def exposed_in(trial: Trial, *, until: int, parameter: str = _PARAMETER) -> Exposed:
    """Return whose exposures are read for an experiment."""
    return Exposed(
        parameter=parameter,
        arms=tuple(trial.book.arms),
        start=microseconds(trial.start),
        until=until,
        attributes=tuple(trial.book.dimensions),
    )


def asked(frame: Frame, sql: str) -> Query:
    """Return a statement over the units."""
    return Query(stages=frame.units, sql=sql, parameters=frame.parameters)
