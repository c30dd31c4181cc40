"""What does a drill do, one step after the other: make a fault for a while, several at once, or wait."""

import difflib
import math
import re
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import Duration, PositiveDuration
from opsctl.core.units import parse_duration

NOTHING = "nothing"
"""The fault that breaks nothing."""

_LONGEST_SECONDS = 24 * 3600.0
_LONGEST_TEXT = 20
_KINDS = ("fault", "together", "wait")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def _within_a_day(text: str) -> str:
    if parse_duration(text) > _LONGEST_SECONDS:
        raise ValueError("nothing in a drill lasts longer than a day")
    return text


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it must be a finite number")
    return value


Length = Annotated[PositiveDuration, AfterValidator(_within_a_day)]
Pause = Annotated[Duration, AfterValidator(_within_a_day)]
Name = Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")]
Parameters = dict[
    Name, Annotated[str | bool | int | float | list[str | int | float], BeforeValidator(_finite)]
]


class FaultPart(StrictModel):
    """One fault, with what it wants to know."""

    fault: Name
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """What the fault wants to know, such as `{how_many: 1}` of `workers_killed`; most faults take nothing."""


class FaultStep(FaultPart):
    """A fault that is on for a while, then undone."""

    lasts: Length


class TogetherStep(StrictModel):
    """Several faults that are on at once."""

    together: Annotated[list[FaultPart], Field(min_length=2, max_length=10)]
    lasts: Length

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if len({part.fault for part in self.together}) != len(self.together):
            raise ValueError("a fault can be on only once at a time")
        return self


class WaitStep(StrictModel):
    """A while without a fault of its own."""

    wait: Length


def _of_one_kind(value: object) -> object:
    if not isinstance(value, dict):
        return value
    kinds = [kind for kind in _KINDS if kind in value]
    if len(kinds) > 1:
        raise ValueError(f"{' and '.join(f'`{kind}`' for kind in kinds)} exclude each other in one step")
    if not kinds and not any(difflib.get_close_matches(str(key), _KINDS) for key in value):
        raise ValueError(f"it says neither what breaks nor how long to wait; write {_meant(value)}")
    return value


def _meant(value: dict[object, object]) -> str:
    """Write a step that is none as it may have been meant: `{vectors_down: 30s}` names a fault and its time."""
    match [(key, lasts) for key, lasts in value.items() if key != "lasts"]:
        case [(str(name), str(lasts))] if _NAME.fullmatch(name) and len(lasts) < _LONGEST_TEXT:
            return f"`{{fault: {name}, lasts: {lasts}}}`"
        case _:
            return "`{fault: vectors_down, lasts: 30s}` or `{wait: 30s}`"


Step = Annotated[FaultStep | TogetherStep | WaitStep, BeforeValidator(_of_one_kind)]


def parts_of(step: Step) -> tuple[FaultPart, ...]:
    """Return the faults that a step makes."""
    match step:
        case FaultStep():
            return (step,)
        case TogetherStep():
            return tuple(step.together)
        case WaitStep():
            return ()


def step_seconds(step: Step) -> float:
    """Return how long a step lasts."""
    return parse_duration(step.wait if isinstance(step, WaitStep) else step.lasts)
