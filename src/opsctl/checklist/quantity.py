"""How is a figure of a record written beside its target: with its unit, and honest about what it is."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from opsctl.core.units import format_duration


class Unit(StrEnum):
    """What a figure counts; decides only how it is written."""

    NUMBER = "number"
    SHARE = "share"
    """A part of a whole, 0 to 1; written in percent."""
    MILLISECONDS = "ms"
    SECONDS = "s"
    PER_SECOND = "per_second"
    USD = "usd"


def figure_at(figures: Mapping[str, Any], path: str) -> float | None:
    """Return the number at a dotted path, where keys may have dots of their own; None where there is no number.

    >>> figure_at({"response.p99_ms": 116}, "response.p99_ms")
    116.0
    >>> figure_at({"points": {"average": {"month_usd": 212.5}}}, "points.average.month_usd")
    212.5
    >>> figure_at({"healthy": True}, "healthy") is None
    True
    """
    found = _at(figures, path.split("."))
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return number if math.isfinite(number := float(found)) else None
    except OverflowError:
        return None


def _at(value: object, parts: list[str]) -> object:
    """Return what lies at a path; the longest key that fits wins, so that `a.b` is found before `a` with `b` in it."""
    if not parts:
        return value
    if not isinstance(value, Mapping):
        return None
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in value and (found := _at(value[key], parts[length:])) is not None:
            return found
    return None


def written(number: float, unit: Unit) -> str:
    """Return a number with its unit.

    >>> [written(0.9993, Unit.SHARE), written(116.04, Unit.MILLISECONDS), written(0.0481, Unit.USD)]
    ['99.93 %', '116 ms', '$0.0481']
    >>> [written(10000, Unit.PER_SECOND), written(52, Unit.NUMBER), written(212.5, Unit.USD)]
    ['10,000/s', '52', '$212.50']
    """
    match unit:
        case Unit.SHARE:
            return f"{_digits(number * 100, 4)} %"
        case Unit.MILLISECONDS:
            return f"{_digits(number, 3)} ms"
        case Unit.SECONDS:
            return format_duration(number) if number >= 0 else f"{_digits(number, 3)} s"
        case Unit.PER_SECOND:
            return f"{_digits(number, 4)}/s"
        case Unit.USD:
            sign = "-" if number < 0 else ""
            size = abs(number)
            return f"{sign}${size:,.2f}" if size >= 1 or size == 0 else f"{sign}${_digits(size, 3)}"
        case Unit.NUMBER:
            return _digits(number, 4)


def _digits(number: float, count: int) -> str:
    """Return so many significant digits, never in powers of ten, and whole numbers whole."""
    if number == 0 or abs(number) >= 10**count:
        return f"{number:,.0f}"
    decimals = max(0, count - 1 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{min(decimals, 12)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
