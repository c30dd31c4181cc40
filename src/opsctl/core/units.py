"""How a quantity is written for people and read back: durations, bytes, counts."""

import re
from functools import lru_cache

_DURATION_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d|w)")

_SIZE_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>B|KiB|MiB|GiB)")


@lru_cache(maxsize=1024)  # books keep durations as they are written, and are asked for them on hot paths
def parse_duration(text: str) -> float:
    """Return the seconds that `text` names.

    >>> parse_duration("1h30m")
    5400.0
    >>> parse_duration("250ms")
    0.25

    Raises:
        ValueError: when `text` is not a row of numbers, each with one of the units ms s m h d w.
    """
    parts = list(_DURATION.finditer(text.strip()))
    if not parts or "".join(part.group() for part in parts) != text.strip():
        raise ValueError(f"`{text}` is not a duration; write it as `250ms`, `30s`, `5m`, `2h` or `1d`")
    return sum(float(part["number"]) * _DURATION_SECONDS[part["unit"]] for part in parts)


def parse_bytes(text: str) -> int:
    """Return the bytes that `text` names, in binary units.

    >>> parse_bytes("64KiB")
    65536
    >>> parse_bytes("512B")
    512

    Raises:
        ValueError: when `text` is not a number with one of the units B KiB MiB GiB.
    """
    size = _SIZE.fullmatch(text.strip())
    if size is None:
        raise ValueError(f"`{text}` is not a size; write it as `512B`, `64KiB`, `256MiB` or `2GiB`")
    return round(float(size["number"]) * _SIZE_BYTES[size["unit"]])


def format_duration(seconds: float) -> str:
    """Return a short text for a duration, three significant digits or so.

    >>> [format_duration(value) for value in (0.00025, 0.0123, 0.99999, 4.2, 75, 7300)]
    ['0.25 ms', '12.3 ms', '1 s', '4.2 s', '1 min 15 s', '2 h 1 min']
    """
    if seconds < 0.9995:  # what rounds to 1,000 ms is a second: three digits would write it as 1e+03
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def format_age(seconds: float) -> str:
    """Return how old something is, or how long it still has: in days from two on.

    >>> [format_age(seconds) for seconds in (-3, 5400, 200000)]
    ['0 ms', '1 h 30 min', '2 days']
    """
    days = seconds / _DURATION_SECONDS["d"]
    return f"{days:.0f} days" if days >= 2 else format_duration(max(0.0, seconds))


def format_bytes(size: float) -> str:
    """Return a short text for a size in bytes, in binary units.

    >>> [format_bytes(value) for value in (512, 2048, 5 * 1024**3)]
    ['512 B', '2.0 KiB', '5.0 GiB']
    """
    if size < 1024:
        return f"{size:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} TiB"


def format_count(number: float) -> str:
    """Return a count with thousands set apart.

    >>> format_count(26155)
    '26,155'
    """
    return f"{number:,.0f}"
