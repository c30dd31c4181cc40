"""What goes into an analysis, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opsctl.experiments.book import Experiment
from opsctl.experiments.metric_book import Role, Test
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import Comparison, NonInferiority
from opsctl.experiments.statistics.estimates import Estimate, Interval
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.statistics.quantile import QuantileStatistics
from opsctl.experiments.statistics.strata import Strata
from opsctl.experiments.statistics.unvaried import Unvaried
from opsctl.experiments.verdict import Look, Shown, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitData:
    """Of a mean, proportion or ratio: by arm the moments of each stratum, the same strata in all arms.

    Args:
        uncut: why values that the book wants cut off are not; None where they are, or nothing is to be cut off.
    """

    arms: Mapping[str, Strata]
    uncut: CannotTell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """Of a quantile: by arm what is kept of its events, or why there is nothing."""

    arms: Mapping[str, QuantileStatistics | CannotTell]


MetricData = UnitData | EventData


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was known at a moment: events up to then.

    Args:
        units: by arm, after those that saw several arms are taken out.
        metrics: by name, in the order of the book.
    """

    at: datetime
    units: Mapping[str, int]
    metrics: Mapping[str, MetricData]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is analysed, and where it stands.

    Args:
        name: of the experiment.
        experiment: its book as it was at the start.
        digest: of that book.
        started_at: when it began.
        ended_at: when it was stopped; None where it runs, or ran to its horizon.
    """

    name: str
    experiment: Experiment
    digest: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One treatment beside the control, of one metric, at one moment.

    Args:
        units: in both arms.
        margin: the test against the margin, where the metric has one.
        share: of the experiment's units that both arms get by their weights; 1 where there are no others.
        unvaried: where no unit of either arm differs from another.
    """

    units: int
    comparison: Comparison | CannotTell
    margin: NonInferiority | CannotTell | None = None
    share: float = 1.0
    unvaried: Unvaried | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of the curve of a lift; intervals hold at all moments together, whatever the stopping rule is."""

    at: datetime
    units: int
    value: float
    low: float
    high: float
    is_relative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """What the stopping rule allows to say of one pair.

    Args:
        p_value: two-sided, valid for all looks so far; of a margin, twice the one-sided one. None where nothing is said.
        interval: of the difference, at the same error rate.
        lift: the same as a share of the control's value.
        statistic: of the last look; its sign is the direction.
        of: the comparison that the interval is of: that of the last planned look, where one decides; None where nothing is
            said.
        breaks_margin: it is shown, at any time, that the margin is broken.
        caution: why nothing is said, or what to know.
        unvaried: where it rests on no unit being different from another, and not on their variance.
    """

    p_value: float | None
    interval: Interval | None
    lift: Interval | CannotTell | None
    statistic: float
    of: Comparison | None = None
    breaks_margin: bool = False
    caution: str = ""
    unvaried: Unvaried | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One metric of one treatment, with all that a table or a page shows of it.

    Args:
        method: how it was computed; `certificate` proves that this method keeps its promises.
        control: at the moment of the analysis, as `treatment` is.
        lift: that of the look that the inference is of, so that it lies in its interval; so is `difference`.
        adjusted_p: after the correction of its family.
        detectable: the smallest difference that would be found with the book's power, with the units at hand.
        variance_reduction: what the pre-period was worth, as a share of the variance.
    """

    metric: str
    arm: str
    role: Role
    wanted: Test
    method: Method
    control: Estimate | CannotTell
    treatment: Estimate | CannotTell
    inference: Inference
    lift: float | None
    difference: float | None
    adjusted_p: float | None
    shown: Shown
    detectable: float | None = None
    variance_reduction: float = 0.0
    notes: tuple[str, ...] = ()
    curve: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition without which no figure means anything.

    Args:
        name: such as `sample ratio`.
        is_fault: it fails, and the verdict is `invalid`.
        is_warning: it does not, but somebody should look.
        says: what was found, in a sentence.
    """

    name: str
    is_fault: bool
    says: str
    p_value: float | None = None
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything that one analysis says.

    Args:
        meetings: where its effect changes with an arm of another experiment, each in a sentence.
        simulated: what of the data was simulated.
        certificates: id of the certificate by method.
        peeks: how often somebody had looked before.
    """

    subject: Subject
    at: datetime
    look: Look
    units: Mapping[str, int]
    checks: tuple[Check, ...]
    results: tuple[Result, ...]
    verdict: Verdict
    meetings: tuple[str, ...] = ()
    simulated: tuple[str, ...] = ()
    certificates: Mapping[str, str] = field(default_factory=dict)
    peeks: int = 0
