"""What does an experiment try, on whom, and what decides: a book `ops/experiments/NAME.yaml`, immutable once started."""

import math
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration, Share
from opsctl.core.units import parse_duration
from opsctl.experiments.metric_book import Metric, Role
from opsctl.experiments.simulation_book import Simulation

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
_WEIGHTS_TOLERANCE = 1e-9


class StoppingRule(StrEnum):
    """When may somebody look, and stop."""

    FIXED = "fixed"
    """Once, at the horizon; whoever looks earlier learns nothing that counts."""
    GROUP_SEQUENTIAL = "group_sequential"
    """At planned looks, with bounds that spend alpha over them."""
    ALWAYS_VALID = "always_valid"
    """At any time: a confidence sequence, at the price of wider intervals."""


class Correction(StrEnum):
    """How several tests of one family are held to one error rate."""

    NONE = "none"
    HOLM = "holm"
    """The chance of any false finding stays below alpha."""
    BENJAMINI_HOCHBERG = "benjamini_hochberg"
    """The share of false findings among all stays below alpha."""


class Scope(StrEnum):
    """What belongs to one family of tests."""

    ARMS = "arms"
    """The arms of one metric."""
    METRICS = "metrics"
    """The metrics of one arm."""
    BOTH = "both"
    """All of the role."""


class Family(StrictModel):
    """How tests of one role are corrected."""

    correction: Correction
    """By which rule."""
    scope: Scope = Scope.BOTH
    """Which of them belong together."""


class Arm(StrictModel):
    """One way of doing it."""

    weight: Annotated[float, Field(ge=0, le=1)]
    """Its share of the units; all weights sum to 1. An arm of weight 0 gets nobody."""
    settings: dict[str, Any] = {}
    """What is different in the service for these units: keys of `ranking` in ops/service.yaml; of the simulator, of its policy."""
    title: str = ""
    """What it is, in a few words."""


class Segment(StrictModel):
    """The part of a layer that an experiment takes; experiments that share no part share no unit."""

    start: Share = 0.0
    """From here, inclusive."""
    end: Share = 1.0
    """To here, exclusive."""

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.start < self.end:
            raise ValueError("`start` must be below `end`")
        return self


class Stopping(StrictModel):
    """When the data may be looked at."""

    rule: StoppingRule = StoppingRule.FIXED
    """How."""
    looks: Annotated[list[PositiveDuration], Field(max_length=50)] = []
    """Of `group_sequential`: when, since the start; the horizon is the last one and need not be written."""
    spending: Annotated[float, Field(ge=1, le=10)] = 2.0
    """Of `group_sequential`: alpha * t ^ spending is spent by the share t of the information."""


class Interleaving(StrictModel):
    """A first stage in which two arms fill one feed by turns, and readers choose: far more sensitive than an A/B test."""

    days: Annotated[int, Field(ge=1, le=60)] = 3
    """How long."""


class Experiment(StrictModel):
    """One experiment; its name is that of the file."""

    title: Annotated[str, Field(min_length=3, max_length=200)]
    hypothesis: Annotated[str, Field(min_length=10, max_length=2000)]
    """What is believed, why, and what would refute it."""
    owner: Annotated[str, Field(min_length=1, max_length=100)]
    """Who decides."""
    decision: Annotated[str, Field(min_length=10, max_length=2000)]
    """What will be done on each outcome, written before the start."""
    unit: Name = "user"
    """What is assigned."""
    control: Name = "control"
    """The arm that the others are compared with."""
    arms: Annotated[dict[Name, Arm], Field(min_length=2, max_length=20)]
    layers: Annotated[dict[Name, Segment], Field(max_length=10)] = {}
    """Which part of which layers it takes; a unit has to lie in all of them. Without any, everybody may be in it."""
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of all units that no experiment with a holdout touches; they are the same for all."""
    ramp: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the eligible units that is let in; it may only be raised, which moves nobody."""
    horizon: PositiveDuration
    """Length."""
    units: Annotated[int, Field(ge=2, le=1_000_000_000_000)] | None = None
    """How many are expected by the horizon, over all arms."""
    metrics: Annotated[dict[Name, Metric], Field(min_length=1, max_length=50)]
    families: dict[Role, Family] = {
        Role.PRIMARY: Family(correction=Correction.HOLM),
        Role.SECONDARY: Family(correction=Correction.BENJAMINI_HOCHBERG),
        Role.GUARDRAIL: Family(correction=Correction.NONE),
    }
    """How several tests are corrected; guardrails pay no price for being many."""
    stopping: Stopping = Stopping()
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Chance of finding what is not there, two-sided."""
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.8
    """Chance of finding what is there, and as large as `mde`."""
    dimensions: Annotated[list[Name], Field(max_length=10)] = []
    """Attributes of exposures by which the arms' sizes are checked, such as `segment`."""
    isolated_learners: bool = False
    """Whether each arm has learners of its own; without, what one arm's readers do teaches the other."""
    interleaving: Interleaving | None = None
    simulation: Simulation | None = None
    tags: Annotated[list[str], Field(max_length=20)] = []

    @property
    def treatments(self) -> tuple[str, ...]:
        """Return the arms other than the control, in the order of the book."""
        return tuple(name for name in self.arms if name != self.control)

    @property
    def horizon_seconds(self) -> float:
        """Return its length."""
        return parse_duration(self.horizon)

    def of_role(self, role: Role) -> dict[str, Metric]:
        """Return the metrics of a role, in the order of the book."""
        return {name: metric for name, metric in self.metrics.items() if metric.role is role}

    @model_validator(mode="after")
    def _arms_fit(self) -> Self:
        total = math.fsum(arm.weight for arm in self.arms.values())
        if abs(total - 1) > _WEIGHTS_TOLERANCE:
            raise ValueError(f"the weights of the arms sum to {total:.6g}, not to 1")
        if self.control not in self.arms:
            raise ValueError(f"no arm is called `{self.control}`; `control` names the one to compare with")
        if not self.arms[self.control].weight:
            raise ValueError(
                f"the control `{self.control}` has weight 0, so there is nothing to compare with"
            )
        return self

    @model_validator(mode="after")
    def _has_a_primary_metric(self) -> Self:
        if not self.of_role(Role.PRIMARY):
            raise ValueError("no metric has `role: primary`, so nothing would decide")
        return self

    @model_validator(mode="after")
    def _looks_fit(self) -> Self:
        seconds = [parse_duration(look) for look in self.stopping.looks]
        if seconds and self.stopping.rule is not StoppingRule.GROUP_SEQUENTIAL:
            raise ValueError(f"`looks` belong to `group_sequential`, not to `{self.stopping.rule}`")
        if seconds != sorted(set(seconds)) or (seconds and seconds[-1] > self.horizon_seconds):
            raise ValueError("`looks` must rise, and end by the horizon")
        if self.stopping.rule is StoppingRule.GROUP_SEQUENTIAL and not seconds:
            raise ValueError(
                "`group_sequential` needs its `looks`, such as [7d]; the horizon is the last one"
            )
        return self
