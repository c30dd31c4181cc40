"""What is asked of a warehouse, and what it answers: counts of units and moments of arms, whatever the number of events."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from opsctl.core.errors import UsageError
from opsctl.experiments.book import Experiment
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.statistics.moments import Moments, merge, no_units

if TYPE_CHECKING:
    from opsctl.experiments.statistics.cannot_tell import CannotTell
    from opsctl.experiments.statistics.quantile import QuantileStatistics
    from opsctl.experiments.statistics.winsorise import Cap

OTHER_VALUES = "(all others)"
"""Stands for the values of a dimension beyond the most frequent ones, and for the arms that nobody knows beyond those."""


class Maturity(StrEnum):
    """Which units count for a metric at a moment.

    A unit's time begins `after` its first exposure and ends `window` later; without a window it ends with the experiment.
    Nothing that happens after the experiment's end counts, so the window of a late unit is never over.
    """

    MATURE = "mature"
    """Units whose window is over by then; of a metric without a window, those whose time has begun."""
    ALL = "all"
    """All units; what a window may still bring counts as nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An experiment that has run, or runs.

    Args:
        name: under which its exposures are written.
        book: as it was at the start.
        start: exposures before do not count.
        end: neither do exposures and events from here on.
    """

    name: str
    book: Experiment
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise _senseless(
                f"a time of `{self.name}` has no time zone", fix="write it as 2026-11-01T00:00:00Z"
            )
        if self.start >= self.end:
            raise _senseless(f"`{self.name}` ends before it starts", fix="its end must come after its start")

    @classmethod
    def from_start(cls, name: str, *, book: Experiment, start: datetime) -> "Trial":
        """Return a trial that ends at its book's horizon."""
        return cls(name=name, book=book, start=start, end=start + timedelta(seconds=book.horizon_seconds))

    def closing(self, at: datetime) -> datetime:
        """Return until when events count for somebody who looks at that moment.

        Raises:
            UsageError: EXP050 it had not started yet, or the time has no zone.
        """
        if at.tzinfo is None:
            raise _senseless(
                f"the time of a look at `{self.name}` has no time zone",
                fix="write it as 2026-11-01T00:00:00Z",
            )
        if at <= self.start:
            raise _senseless(f"`{self.name}` had not started by {at.isoformat()}", fix="look later")
        return min(at, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Who was in an experiment at a moment.

    Args:
        at: the moment.
        units: by arm of the book, in its order; each unit once, those in several arms left out. An arm of weight 0 that
            has units here is a fault.
        strangers: by arm that the book does not know, the most frequent ones by name.
        in_several_arms: units that saw more than one; they are in no other number.
        early: exposures before the start; they do not count.
        late: exposures from the end on; they do not count.
        unreadable: exposures without a unit, an arm or a time; they do not count.
        by_day: for each day since the start, the units of each arm whose first exposure was on it.
        dimensions: for each attribute of the book's `dimensions`, for each value at the first exposure (an empty text
            where there is none), the units by arm.
    """

    at: datetime
    units: Mapping[str, int]
    strangers: Mapping[str, int] = field(default_factory=dict)
    in_several_arms: int = 0
    early: int = 0
    late: int = 0
    unreadable: int = 0
    by_day: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    dimensions: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the units that are analysed."""
        return sum(self.units.values())

    @property
    def share_in_several_arms(self) -> float:
        """Return how many of all units saw more than one arm; beyond a percent or so nothing is to be believed."""
        everybody = self.total + self.in_several_arms + sum(self.strangers.values())
        return self.in_several_arms / everybody if everybody else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRow:
    """The moments of some units of an arm.

    Args:
        has_pre_period: whether anything was seen of these units in the metric's pre-period: an event of any metric that
            is averaged. False of a metric without one.
        day: of the first exposure, since the start; None where it was not asked for.
    """

    arm: str
    has_pre_period: bool
    day: int | None
    moments: Moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Where a metric's values were cut off; given back at the next look, they stay where they were.

    Args:
        outcome: of the values (of a ratio: of those above the line).
        covariate: of the same in the pre-period; None without one.
    """

    outcome: "Cap | CannotTell"
    covariate: "Cap | CannotTell | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRows:
    """All that is kept of a mean, a proportion or a ratio.

    Args:
        rows: only those that have units, in the order of arm, stratum and day.
        width: variables, as `Moments` says for the kind.
        immature: by arm, the units that do not count yet.
        caps: None where nothing is to be cut off.
    """

    metric: str
    rows: tuple[ArmRow, ...]
    width: int
    has_pre_period: bool
    immature: Mapping[str, int]
    caps: Caps | None = None

    def strata(self, arms: Iterable[str]) -> dict[str, list[Moments]]:
        """Return for each of these arms the moments of each stratum, over all days: with a pre-period, then without."""
        strata = (True, False) if self.has_pre_period else (False,)
        return {arm: [self._merged(arm, stratum) for stratum in strata] for arm in arms}

    def of_arm(self, arm: str) -> Moments:
        """Return the moments of all units of an arm."""
        return merge([no_units(self.width), *(row.moments for row in self.rows if row.arm == arm)])

    def _merged(self, arm: str, has_pre_period: bool) -> Moments:  # noqa: FBT001 - the key of a stratum
        found = [row.moments for row in self.rows if row.arm == arm and row.has_pre_period is has_pre_period]
        return merge([no_units(self.width), *found])


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRows:
    """All that is kept of a quantile, by arm of the book, or why nothing is.

    Args:
        immature: by arm, the units that do not count yet.
    """

    metric: str
    arms: "Mapping[str, QuantileStatistics | CannotTell]"
    immature: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What all metrics came to at a moment.

    Args:
        means: of means, proportions and ratios, by name in the order of the book.
        quantiles: of quantiles.
        spoiled: by arm, events whose value is missing, NaN or infinite; they count in no metric, not even as one event.
    """

    at: datetime
    means: Mapping[str, MetricRows]
    quantiles: Mapping[str, QuantileRows]
    spoiled: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The units that two experiments share, in the groups that their arms make.

    Args:
        one: name of the first experiment.
        other: of the second one.
        units: by (arm of the first, arm of the second), all of them, also those without units.
        means: by metric, by the same groups; events count from the later one of both first exposures on.
    """

    one: str
    other: str
    units: Mapping[tuple[str, str], int]
    means: Mapping[str, Mapping[tuple[str, str], Moments]]


class Look(Protocol):
    """An open look at one experiment: all that is asked of it sees the same data."""

    def population(self, *, at: datetime | None = None) -> Population:
        """Return who was in the experiment, at one of the moments that the look was opened for, or the last one."""
        ...

    def measure(
        self,
        *,
        at: datetime | None = None,
        metrics: Collection[str] | None = None,
        by_day: bool = False,
        caps: Mapping[str, Caps] | None = None,
        maturity: Maturity = Maturity.MATURE,
    ) -> Measured:
        """Return what metrics came to.

        Args:
            at: one of the moments that the look was opened for, or else the last one.
            metrics: names; all of the book where nothing is said.
            by_day: apart by the day of a unit's first exposure.
            caps: of winsorised metrics, from an earlier look; what is not given is computed.
            maturity: which units count.
        """
        ...


class Warehouse(Protocol):
    """Where exposures and events lie."""

    def look(self, trial: Trial, *, at: Sequence[datetime]) -> AbstractContextManager[Look]:
        """Open a look at an experiment, at these moments, in the order of time.

        What is answered for a moment is what would have been answered then: later exposures and events do not count, and
        a unit that sees a second arm later is still in its first one.
        """
        ...

    def cross(self, one: Trial, other: Trial, *, at: datetime, metrics: Mapping[str, Metric]) -> Crossing:
        """Return the units that are in both experiments; quantiles and pre-periods are left out."""
        ...


def _senseless(what: str, *, fix: str) -> UsageError:
    return UsageError(what, code="EXP050", fix=fix)
