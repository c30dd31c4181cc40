"""How are figures of a record read that another version may have written: what is missing or odd is a dash, never an error."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsctl.core.units import format_duration
from opsctl.evidence.model import Record
from opsctl.ui.figures import significant

NOTHING = "-"
_LONGEST_TEXT = 2000


def number(figures: Mapping[str, Any], name: str) -> float | None:
    """Return a finite number; None where there is none."""
    value = figures.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def text(figures: Mapping[str, Any], name: str, *, otherwise: str = "") -> str:
    """Return a text or a number as text, cut where it is endless."""
    value = figures.get(name)
    if value is None or isinstance(value, Mapping | list):
        return otherwise
    return cut(str(value))


def part(figures: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a mapping inside; an empty one where there is none."""
    value = figures.get(name)
    return value if isinstance(value, Mapping) else {}


def rows(figures: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of a list inside."""
    value = figures.get(name)
    yield from (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()


def names(figures: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a list inside, or the one text."""
    value = figures.get(name)
    if isinstance(value, str):
        return (cut(value),) if value else ()
    if not isinstance(value, Sequence):
        return ()
    return tuple(cut(str(each)) for each in value if isinstance(each, str | int | float))


def parts(figures: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the parts of a text that were put together by semicolons; none where it says that there is nothing."""
    there = text(figures, name)
    return (
        tuple(part.strip() for part in there.split(";") if part.strip()) if there not in ("", "none") else ()
    )


def notes(figures: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a text as one note; none where it says that there is nothing."""
    there = text(figures, name)
    return (there,) if there not in ("", "none", "nothing") else ()


def simulated_of(record: Record) -> tuple[str, ...]:
    """Return what of a proof was simulated, by the record itself or, of loads, by its figures."""
    if record.simulated:
        return record.simulated
    told = text(record.figures, "simulated")
    return (
        tuple(part.strip() for part in told.split(",") if part.strip()) if told not in ("", "nothing") else ()
    )


def cut(value: str, *, most: int = _LONGEST_TEXT) -> str:
    """Return a text that is not endless."""
    return value if len(value) <= most else f"{value[:most]}…"


def seconds(figures: Mapping[str, Any], name: str) -> str:
    """Return a duration, or a dash."""
    value = number(figures, name)
    return NOTHING if value is None or value < 0 else duration(value)


def duration(value: float) -> str:
    """Return a duration; none at all has no unit that would look measured.

    >>> duration(0), duration(75)
    ('0', '1 min 15 s')
    """
    return "0" if value == 0 else format_duration(value)


def figure(figures: Mapping[str, Any], name: str) -> str:
    """Return a figure of any unit with three significant digits, or a dash."""
    value = number(figures, name)
    return NOTHING if value is None else significant(value)


def count(figures: Mapping[str, Any], name: str) -> str:
    """Return a whole number with thousands set apart, or a dash."""
    value = number(figures, name)
    return NOTHING if value is None else f"{value:,.0f}"


def share(figures: Mapping[str, Any], name: str) -> str:
    """Return a share in percent; one that is not whole is never rounded up to 100 %."""
    value = number(figures, name)
    if value is None:
        return NOTHING
    for digits in (1, 2, 3, 4):
        shown = f"{value:.{digits}%}"
        if value in (0.0, 1.0) or not (0 < value < 1) or float(shown[:-1]) not in (0.0, 100.0):
            return shown.replace("%", " %")
    return "> 99.9999 %" if value > 0.5 else "< 0.0001 %"


def dollars(value: float | None) -> str:
    """Return an amount in US dollars, with as many digits as it takes to see it.

    >>> [dollars(each) for each in (412.5, 0.0093, 0, None)]
    ['$412.50', '$0.00930', '$0', '-']
    """
    if value is None:
        return NOTHING
    if value == 0:
        return "$0"
    sign = "-" if value < 0 else ""
    return f"{sign}${abs(value):,.2f}" if abs(value) >= 1 else f"{sign}${significant(abs(value))}"
