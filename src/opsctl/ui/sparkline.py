"""How does a row of figures look in one line of a terminal: a sparkline, with a gap where there is no figure."""

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def sparkline(values: Sequence[float | None], *, width: int, floor: float | None = None) -> str:
    """Return at most `width` bars between the smallest (or `floor`) and the largest value; a bar shows its worst.

    >>> sparkline([1, 2, None, 8], width=10, floor=0)
    '▂▃·█'
    >>> sparkline([1, 9, 1, 1], width=2)
    '█▁'
    """
    shown = _worst_of(values, width)
    known = [value for value in shown if value is not None]
    if not known:
        return _GAP * len(shown)
    low, high = min(known) if floor is None else floor, max(known)
    return "".join(_GAP if value is None else _bar(value, low, high) for value in shown)


def _bar(value: float, low: float, high: float) -> str:
    if high <= low:
        return _BARS[0] if high <= 0 else _BARS[len(_BARS) // 2]
    return _BARS[min(len(_BARS) - 1, max(0, int((value - low) / (high - low) * len(_BARS))))]


def _worst_of(values: Sequence[float | None], width: int) -> list[float | None]:
    """Cut values into groups, as many as there is room for, and return the largest of each."""
    groups = min(len(values), max(1, width))
    shown: list[float | None] = []
    for group in range(groups):
        inside = values[group * len(values) // groups : (group + 1) * len(values) // groups]
        shown.append(max((value for value in inside if value is not None), default=None))
    return shown
