"""What does a simulated experiment come to: the world that is analysed, and what many worlds together say of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SIMULATED = ("readers", "vendors", "time")
"""What of the data is simulated, as evidence and pages say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the experiment of one world said of one metric, beside the truth of that world.

    Args:
        metric: which.
        arm: the treatment.
        control: value of the control in the experiment; NaN where nothing could be told.
        difference: treatment - control in the experiment.
        low: of its 95 % interval.
        high: of its 95 % interval.
        true_control: the control's value where everybody got it.
        true_difference: what the treatment changes where everybody gets it.
    """

    metric: str
    arm: str
    control: float
    difference: float
    low: float
    high: float
    true_control: float
    true_difference: float

    @property
    def is_told(self) -> bool:
        """Tell whether the experiment said anything; an arm without readers says nothing."""
        return math.isfinite(self.difference)

    @property
    def holds_truth(self) -> bool:
        """Tell whether the interval holds the truth."""
        return self.low <= self.true_difference <= self.high

    @property
    def finds(self) -> int:
        """Return 1 or -1 where the experiment found an effect of that direction, else 0."""
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What interleaving said of one world: the share of won sessions less that of lost ones."""

    value: float
    low: float
    high: float
    p_value: float
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldResult:
    """One world.

    Args:
        seed: which made it.
        answers: of every metric of every treatment.
        regret: by arm, the mean regret of a feed on each day, where everybody got that arm.
        reward: by arm, the mean expected clicks of a feed on each day.
        best: the mean of the best slate's expected clicks on each day, in the control's world.
        preference: of the first stage, where there is one.
        leaks: arms whose learner was taught by another arm's readers, each in a sentence; None of studies made before that was
            looked at.
    """

    seed: int
    answers: tuple[Answer, ...]
    regret: Mapping[str, tuple[float, ...]]
    reward: Mapping[str, tuple[float, ...]]
    best: tuple[float, ...]
    preference: Preference | None = None
    leaks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What differs in a world in which it is looked whether a winner stays one: the true difference of each metric."""

    name: str
    differences: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A simulated experiment, whole.

    Args:
        name: of the book.
        digest: of the book.
        world: digest of the simulated world's numbers.
        started_at: in simulated time.
        worlds: one result a seed, the analysed one first.
        variants: other kinds of worlds.
        stands: what stood in for what is not installed.
        figures: anything else that was measured, such as the losses of a model that was trained.
    """

    name: str
    digest: str
    world: str
    started_at: datetime
    worlds: tuple[WorldResult, ...]
    variants: tuple[Variant, ...] = ()
    stands: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
