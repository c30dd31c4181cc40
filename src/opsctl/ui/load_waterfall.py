"""How does the way of a request look in a terminal: a line a stage, with its bar?"""

from collections.abc import Iterator

from opsctl.bench.load.waterfall import Bar
from opsctl.ui.figures import milliseconds

_BAR_COLUMNS = 32
LABEL_COLUMNS = 20


def waterfall_lines(bars: tuple[Bar, ...], *, width: int) -> Iterator[str]:
    """Yield a line of markup for each stage: name, bar from when it begins, mean milliseconds."""
    from rich.markup import escape

    whole = max((bar.begins_seconds + bar.seconds for bar in bars), default=0.0)
    columns = max(8, min(_BAR_COLUMNS, width - LABEL_COLUMNS - 14))
    for bar in bars:
        begin = round(columns * bar.begins_seconds / whole) if whole else 0
        length = max(1, round(columns * bar.seconds / whole)) if whole else 1
        begin = min(begin, columns - length)
        drawn = " " * begin + "█" * length + " " * (columns - begin - length)
        yield f"  {escape(_fitted(bar.name))} {drawn} {milliseconds(bar.seconds):>7} ms"


def _fitted(name: str) -> str:
    if len(name) <= LABEL_COLUMNS:
        return f"{name:<{LABEL_COLUMNS}}"
    return f"{name[: LABEL_COLUMNS - 1]}…"
