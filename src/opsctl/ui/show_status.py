"""How is the state of the service laid out: one line a thing, with the last minutes as curves where there is room."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opsctl.status.figures import Signals
from opsctl.status.look import Look
from opsctl.ui.console import hint, out
from opsctl.ui.sparkline import sparkline
from opsctl.ui.status_pieces import (
    Piece,
    alert_pieces,
    count_text,
    error_piece,
    evidence_pieces,
    part_piece,
    saturation_pieces,
    sentence_pieces,
    state_pieces,
    time_text,
)

if TYPE_CHECKING:
    from rich.text import Text

KEPT_LOOKS = 240
_TITLE_COLUMNS = 13
_FIGURE_COLUMNS = 43
_SMALLEST_CURVE = 8


class History:
    """The last values of the curves, a gap where the service did not answer."""

    def __init__(self) -> None:
        self.rates: deque[float | None] = deque(maxlen=KEPT_LOOKS)
        self.errors: deque[float | None] = deque(maxlen=KEPT_LOOKS)
        self.slowest: deque[float | None] = deque(maxlen=KEPT_LOOKS)

    def add(self, look: Look) -> None:
        """Take the values of a look."""
        found = look.signals
        self.rates.append(found.rate if found else None)
        self.errors.append(found.error_ratio or 0.0 if found else None)
        self.slowest.append(found.latency_seconds.get(0.99) if found else None)


def show_status(look: Look) -> None:
    """Print one look, and the next step."""
    print_page(status_lines(look, History(), width=out().width))
    if look.note:
        hint(look.note)
    if look.firing:
        hint(f"`opsctl runbooks show {look.firing[0].name}` says what to do")


def print_page(lines: "Sequence[Text]") -> None:
    """Print the lines of a page to stdout."""
    for line in lines:
        out().print(line, highlight=False, soft_wrap=True)


def status_lines(look: Look, history: History, *, width: int, height: int | None = None) -> "list[Text]":
    """Return a look as lines that are at most so wide; with a height, alerts that have no room are counted."""
    room = max(20, width - _TITLE_COLUMNS)
    lines = [_headline(look)]
    for title, pieces in _rows(look, history, room=room):
        lines += _row(title, pieces, room=room)
    alerts = [_row("", pieces, room=room) for pieces in alert_pieces(look)]
    return lines + _that_fit(alerts, most=None if height is None else height - len(lines))


def _that_fit(alerts: "Sequence[Sequence[Text]]", *, most: int | None) -> "list[Text]":
    """Return the lines of the first alerts, at most so many, the title before the first of them."""
    from rich.text import Text

    kept: list[Text] = []
    left = len(alerts)
    for lines in alerts:
        # One line is kept free for the count of those that follow.
        if most is not None and kept and len(kept) + len(lines) + (left > 1) > most:
            kept.append(Text.assemble(" " * _TITLE_COLUMNS, (f"and {left} more", "dim")))
            break
        kept += lines
        left -= 1
    first = kept[0]
    kept[0] = Text.assemble((f"{'alerts':<{_TITLE_COLUMNS}}", "dim"), first[_TITLE_COLUMNS:])
    return kept


def _headline(look: Look) -> "Text":
    from rich.text import Text

    if look.is_well:
        verdict = ("✔ well", "bold green")
    elif look.signals is None:
        verdict = ("✘ no figures", "bold red")
    else:
        verdict = ("✘ not well", "bold red")
    return Text.assemble((look.service, "bold"), "  ", verdict, "  ", (f"{look.at:%H:%M:%S} UTC", "dim"))


def _row(title: str, pieces: Sequence[Piece], *, room: int) -> "list[Text]":
    """Return pieces behind a title, a new line where the next one has no room."""
    from rich.text import Text

    lines = [Text(f"{title:<{_TITLE_COLUMNS}}", style="dim")]
    for position, piece in enumerate(pieces):
        is_first = position == 0 or not lines[-1].plain.strip()
        gap = "" if is_first else piece.gap
        if not is_first and lines[-1].cell_len + len(gap + piece.words) > _TITLE_COLUMNS + room:
            lines.append(Text(" " * _TITLE_COLUMNS))
            gap = ""
        lines[-1] = Text.assemble(lines[-1], gap, (piece.words, piece.style))
    return lines


def _rows(look: Look, history: History, *, room: int) -> Iterator[tuple[str, list[Piece]]]:
    if look.signals is None:
        yield "", sentence_pieces(look.silence or "the service does not answer", style="red")
    if look.signals is not None or any(value is not None for value in history.rates):
        yield from _curves(look.signals, history, room=room)
    if look.signals is not None:
        yield from saturation_pieces(look.signals)
        yield "depends on", state_pieces(look.signals)
    if look.parts:
        yield "stack", [part_piece(part) for part in look.parts]
    if look.evidence is not None:
        yield "evidence", evidence_pieces(look.evidence, now=look.at)


def _curves(found: Signals | None, history: History, *, room: int) -> Iterator[tuple[str, list[Piece]]]:
    rate = "-" if found is None else f"{count_text(found.rate)}/s"
    yield "requests", _with_curve(Piece(rate), history.rates, room=room)
    errors = error_piece(found.error_ratio if found else None)
    yield "errors", _with_curve(errors, history.errors, room=room, style=errors.style)
    shares = found.latency_seconds.items() if found else ()
    latency = "  ".join(f"p{share * 100:g} {time_text(value)}" for share, value in shares)
    yield "latency", _with_curve(Piece(latency or "-"), history.slowest, room=room)


def _with_curve(
    figures: Piece, values: "Sequence[float | None]", *, room: int, style: str = "cyan"
) -> list[Piece]:
    """Return figures with their curve behind them; without it where there is no room, or no past."""
    columns = room - _FIGURE_COLUMNS - 1
    if columns < _SMALLEST_CURVE or len(values) < 2 or len(figures.words) >= _FIGURE_COLUMNS:
        return [figures]
    curve = sparkline(list(values)[-columns:], width=columns, floor=0)
    return [figures, Piece(curve, style, gap=" " * (_FIGURE_COLUMNS - len(figures.words)))]
