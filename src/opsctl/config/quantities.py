"""How are durations, sizes and shares written in a book: checked where they are written, kept as written."""

from typing import Annotated

from pydantic import AfterValidator, Field

from opsctl.core.units import parse_bytes, parse_duration

_SHORTEST_SECONDS = 1e-6
_LONGEST_SECONDS = parse_duration("3650d")


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


Duration = Annotated[str, AfterValidator(_checked_duration)]
"""Such as `250ms`, `15m` or `7d`; `parse_duration` gives the seconds."""

PositiveDuration = Annotated[Duration, AfterValidator(_more_than_nothing)]
"""A duration of which zero makes no sense, such as an interval."""

ByteSize = Annotated[str, AfterValidator(_checked_bytes)]
"""Such as `64KiB` or `256MiB`; `parse_bytes` gives the bytes."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, from 0 to 1."""
