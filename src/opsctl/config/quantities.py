"""How are durations, sizes and shares written in a book: checked where they are written, kept as written."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from opsctl.core.units import parse_bytes, parse_duration

_SHORTEST_SECONDS = 1e-6
_LONGEST_SECONDS = parse_duration("3650d")
_MOST_PLAUSIBLE = 1e12
"""A number beyond, or one that is none, was not meant as a quantity whose unit was forgotten."""


def _with_unit(*units: str) -> BeforeValidator:
    """Refuse a number that stands where a quantity belongs, and show how it may have been meant."""

    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        number = value if 0 <= value < _MOST_PLAUSIBLE else 30
        meant = " or ".join(f"`{number}{unit}`" for unit in units)
        raise ValueError(f"`{str(value)[:40]}` has no unit; write {meant}")

    return BeforeValidator(check)


def _checked_duration(text: str) -> str:
    if 0 < parse_duration(text) < _SHORTEST_SECONDS:
        raise ValueError(f"`{text}` is shorter than a microsecond, the least that is told apart")
    if parse_duration(text) > _LONGEST_SECONDS:
        raise ValueError(f"`{text if len(text) < 40 else text[:40] + '...'}` is longer than ten years")
    return text


def _more_than_nothing(text: str) -> str:
    if not parse_duration(text):
        raise ValueError("it must be longer than nothing")
    return text


def _checked_bytes(text: str) -> str:
    parse_bytes(text)
    return text


Duration = Annotated[str, _with_unit("ms", "s"), AfterValidator(_checked_duration)]
"""Such as `250ms`, `15m` or `7d`; `parse_duration` gives the seconds."""

PositiveDuration = Annotated[Duration, AfterValidator(_more_than_nothing)]
"""A duration of which zero makes no sense, such as an interval."""

ByteSize = Annotated[str, _with_unit("B", "MiB"), AfterValidator(_checked_bytes)]
"""Such as `64KiB` or `256MiB`; `parse_bytes` gives the bytes."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, from 0 to 1."""
