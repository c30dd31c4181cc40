"""How do stretches of time that follow each other look on a terminal: a line each, its bar where its time is."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from opsctl.core.units import format_duration

_MOST_COLUMNS = 40
_FIGURE_COLUMNS = 20  # the duration, the share, and what is between
_FULL = "█"


def bar_lines(stretches: Sequence[tuple[str, float]], *, width: int) -> Iterator[str]:
    """Yield a line of markup for each stretch: name, bar from when it begins, duration and its part of the whole."""
    from rich.markup import escape

    if not stretches:
        return
    whole = sum(seconds for _, seconds in stretches)
    names = max(len(name) for name, _ in stretches)
    columns = max(8, min(_MOST_COLUMNS, width - names - 2 - _FIGURE_COLUMNS))
    edges = accumulate((seconds for _, seconds in stretches), initial=0.0)
    for (name, seconds), begins in zip(stretches, edges, strict=False):
        share = seconds / whole if whole else 0.0
        bar = _bar(begins / whole if whole else 0.0, share, columns=columns)
        took = format_duration(seconds) if seconds else "0 s"
        yield f"  {escape(f'{name:<{names}}')} {bar} {took:>11} [dim]{share:>4.0%}[/]"


def _bar(begins: float, share: float, *, columns: int) -> str:
    length = max(1, round(columns * share))
    begin = min(round(columns * begins), columns - length)
    return f"{' ' * begin}{_FULL * length}{' ' * (columns - begin - length)}"
