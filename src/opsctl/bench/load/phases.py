"""How many requests a second does each phase of a load plan?"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import Duration, PositiveDuration
from opsctl.core.units import parse_duration

LONGEST_SECONDS = 7 * 24 * 3600.0
"""No load lasts longer."""

Rate = Annotated[float, Field(gt=0, le=1_000_000)]
"""Requests a second."""


def _within_a_week(text: str) -> str:
    if parse_duration(text) > LONGEST_SECONDS:
        raise ValueError("nothing here lasts longer than seven days")
    return text


Pause = Annotated[Duration, AfterValidator(_within_a_week)]
"""A time that may be nothing."""

Length = Annotated[PositiveDuration, AfterValidator(_within_a_week)]
"""A time that is more than nothing."""


class Steady(StrictModel):
    """The same rate all along: at even distances, or at random ones as independent users send."""

    shape: Literal["constant", "poisson", "soak"]
    """`soak` is `poisson` for long: its report also says whether latency drifted from first to last quarter."""
    rate: Rate
    duration: Length


class Ramp(StrictModel):
    """From one rate to another, evenly."""

    shape: Literal["ramp"]
    start: Rate
    end: Rate
    duration: Length


class Spike(StrictModel):
    """A base rate with one peak in the middle."""

    shape: Literal["spike"]
    base: Rate
    peak: Rate
    duration: Length
    """Of all of it."""
    peak_duration: Length
    """Of the peak; base before and after it."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if parse_duration(self.peak_duration) >= parse_duration(self.duration):
            raise ValueError("`peak_duration` must be shorter than `duration`")
        return self


class Stairs(StrictModel):
    """From rate to rate in equal steps. `breakpoint` ends at the first step that misses a gate and names the one before."""

    shape: Literal["stairs", "breakpoint"]
    start: Rate
    end: Rate
    steps: Annotated[int, Field(ge=2, le=1000)]
    step_duration: Length


Phase = Annotated[Steady | Ramp | Spike | Stairs, Field(discriminator="shape")]


def phase_seconds(phase: Steady | Ramp | Spike | Stairs) -> float:
    """Return how long a phase lasts."""
    if isinstance(phase, Stairs):
        return phase.steps * parse_duration(phase.step_duration)
    return parse_duration(phase.duration)
