"""How are durations, sizes and shares written in a book: checked where they are written, kept as written."""

from typing import Annotated

from pydantic import AfterValidator, Field

from opsctl.core.units import parse_bytes, parse_duration


def _checked_duration(text: str) -> str:
    parse_duration(text)
    return text


def _checked_bytes(text: str) -> str:
    parse_bytes(text)
    return text


Duration = Annotated[str, AfterValidator(_checked_duration)]
"""Such as `250ms`, `15m` or `7d`; `parse_duration` gives the seconds."""

ByteSize = Annotated[str, AfterValidator(_checked_bytes)]
"""Such as `64KiB` or `256MiB`; `parse_bytes` gives the bytes."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, from 0 to 1."""
