"""What is measured in an experiment, and how it counts for the verdict: the part `metrics` of its book."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import Duration, PositiveDuration
from opsctl.experiments.effects import EffectText, parse_effect

_MOST = 1e50
"""Beyond, the square of a share of it has no number any more."""

EventName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]


class MetricKind(StrEnum):
    """How the events of a unit become one number, and how that is averaged."""

    MEAN = "mean"
    """The values of a unit's events, summed (or counted); the mean over units, those without events included."""
    PROPORTION = "proportion"
    """Whether a unit had any such event; the share of units that had."""
    RATIO = "ratio"
    """The sum over all units divided by another sum over all units, such as clicks for each feed."""
    QUANTILE = "quantile"
    """A quantile of the values of all events, such as the 95 % quantile of a latency; units are clusters."""


class Role(StrEnum):
    """What a metric decides."""

    PRIMARY = "primary"
    """It decides."""
    GUARDRAIL = "guardrail"
    """It must not get worse by more than its margin."""
    SECONDARY = "secondary"
    """It explains; it never ships anything by itself."""


class Test(StrEnum):
    """What has to be shown."""

    __test__ = False  # no class of tests, whatever pytest reads in its name

    SUPERIORITY = "superiority"
    """Better than the control, two-sided: worse is shown, too."""
    NON_INFERIORITY = "non_inferiority"
    """Not worse than the control by more than the margin, one-sided."""


class Direction(StrEnum):
    """Which way is better."""

    INCREASE = "increase"
    DECREASE = "decrease"


class Counting(StrEnum):
    """What is added up of a unit's events."""

    SUM = "sum"
    """Their values."""
    COUNT = "count"
    """How many there are."""


class Baseline(StrictModel):
    """What is known before the start, for planning; `experiments plan` measures it where it is not written."""

    mean: Annotated[float, Field(ge=-_MOST, le=_MOST)]
    """Value of the metric without any treatment."""
    deviation: Annotated[float, Field(ge=0, le=_MOST)] | None = None
    """Standard deviation over units (of a ratio: of its linearised value); a proportion knows its own."""
    correlation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of a unit's value with that of its pre-period: what CUPED is worth."""

    @model_validator(mode="after")
    def _mean_can_be_divided_by(self) -> Self:
        if 0 < abs(self.mean) < 1 / _MOST:
            raise ValueError(f"a mean of {self.mean:g} is nearer to 0 than anything that is measured")
        return self


class Metric(StrictModel):
    """One metric."""

    kind: MetricKind
    """How events become a number."""
    events: Annotated[list[EventName], Field(min_length=1, max_length=20)]
    """Which events count, such as `[click, save]`: kinds of interactions, or names in `experiment_metrics`."""
    counting: Counting = Counting.COUNT
    """What is added up of them; a quantile takes their values."""
    per: Annotated[list[EventName], Field(min_length=1, max_length=20)] | None = None
    """Of a ratio: the events below the line."""
    per_counting: Counting = Counting.COUNT
    """Of a ratio: what is added up of those."""
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Of a quantile: which one."""
    role: Role = Role.SECONDARY
    """What it decides."""
    test: Test | None = None
    """What has to be shown; superiority, and of a guardrail that it is not inferior."""
    direction: Direction = Direction.INCREASE
    """Which way is better."""
    margin: EffectText | None = None
    """How much worse is still not worse: `2%` of the control's value, or `2pp`."""
    mde: EffectText | None = None
    """The smallest effect that is worth finding."""
    after: Duration = "0s"
    """Events count from so long after a unit's first exposure on."""
    window: PositiveDuration | None = None
    """... and for so long; without it until the experiment's end."""
    pre_period: PositiveDuration | None = None
    """For so long before the exposure the same is counted as covariate (CUPED)."""
    winsorise: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    """Values of a unit above this quantile of all units are cut off there; the cap is the same for all arms, and with a `window` for all looks."""
    baseline: Baseline | None = None
    """What is known before the start."""

    @property
    def wanted(self) -> Test:
        """Return what has to be shown."""
        usual = Test.NON_INFERIORITY if self.role is Role.GUARDRAIL else Test.SUPERIORITY
        return self.test or usual

    @property
    def sign(self) -> int:
        """Return 1 where more is better, else -1."""
        return 1 if self.direction is Direction.INCREASE else -1

    @model_validator(mode="after")
    def _kind_has_its_parts(self) -> Self:
        for part, kind in (("per", MetricKind.RATIO), ("quantile", MetricKind.QUANTILE)):
            if (getattr(self, part) is not None) != (self.kind is kind):
                raise ValueError(f"`{part}` belongs to a {kind}, and a {kind} needs it")
        return self

    @model_validator(mode="after")
    def _test_has_its_margin(self) -> Self:
        if self.wanted is Test.NON_INFERIORITY and self.margin is None:
            raise ValueError("without a `margin` nobody can say what is not worse")
        if self.wanted is Test.SUPERIORITY and self.margin is not None:
            raise ValueError("a `margin` belongs to a guardrail or to `test: non_inferiority`")
        if self.kind is MetricKind.PROPORTION and self.margin and parse_effect(self.margin).size >= 1:
            raise ValueError("a margin of the whole share refuses nothing")
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.winsorise is not None and self.kind not in (MetricKind.MEAN, MetricKind.RATIO):
            raise ValueError(f"the values of a {self.kind} have nothing to cut off")
        if self.pre_period is not None and self.kind is MetricKind.QUANTILE:
            raise ValueError("a quantile has no covariate; leave `pre_period` out")
        return self
