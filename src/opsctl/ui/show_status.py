"""How does the state of the service look: one line a thing, with the last minutes as curves where there is room."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from opsctl.core.units import format_count, format_duration
from opsctl.status.figures import BAD_ERROR_RATIO, Signals
from opsctl.status.look import Look, SeenAlert, SeenEvidence, SeenPart
from opsctl.ui.console import hint, out
from opsctl.ui.sparkline import sparkline

if TYPE_CHECKING:
    from rich.text import Text

KEPT_LOOKS = 240
_TITLE_COLUMNS = 13
_FIGURE_COLUMNS = 43
_SMALLEST_CURVE = 8
_COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stay on one line, and what stands between them and those before."""

    words: str
    style: str = ""
    gap: str = "   "


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
    alerts = [_row("", pieces, room=room) for pieces in _alerts(look)]
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
        yield "", _sentence(look.silence or "the service does not answer", style="red")
    if look.signals is not None or any(value is not None for value in history.rates):
        yield from _curves(look.signals, history, room=room)
    if look.signals is not None:
        yield from _saturation(look.signals)
        yield "depends on", _states(look.signals)
    if look.parts:
        yield "stack", [_part(part) for part in look.parts]
    if look.evidence is not None:
        yield "evidence", _evidence(look.evidence, now=look.at)


def _curves(found: Signals | None, history: History, *, room: int) -> Iterator[tuple[str, list[Piece]]]:
    rate = "-" if found is None else f"{_count(found.rate)}/s"
    yield "requests", _with_curve(Piece(rate), history.rates, room=room)
    errors = _errors(found.error_ratio if found else None)
    yield "errors", _with_curve(errors, history.errors, room=room, style=errors.style)
    shares = found.latency_seconds.items() if found else ()
    latency = "  ".join(f"p{share * 100:g} {_time(value)}" for share, value in shares)
    yield "latency", _with_curve(Piece(latency or "-"), history.slowest, room=room)


def _saturation(found: Signals) -> Iterator[tuple[str, list[Piece]]]:
    hits = [Piece(f"{tier.upper()} {_percent(ratio)}") for tier, ratio in found.hit_ratio.items()]
    yield "hits", hits or [Piece("nothing was looked up", "dim")]
    tiers = [Piece(f"{tier} {_percent(share)}") for tier, share in found.tiers.items() if share]
    made = [Piece(f"p99 {_time(found.generation_seconds)}"), *tiers]
    yield "making feeds", made if tiers else [Piece("none was made", "dim")]
    yield (
        "workers",
        [
            Piece(f"{found.workers:.0f} at {_percent(found.worker_use)} of a core"),
            Piece(f"loop lag p99 {_time(found.loop_lag_seconds)}"),
            Piece(f"{found.in_flight:.0f} in flight"),
        ],
    )
    yield (
        "pool",
        [
            Piece(f"{found.pool_busy:.0f} busy"),
            Piece(f"{found.pool_idle:.0f} idle"),
            Piece(f"{found.pool_waiting:.0f} waiting", "yellow" if found.pool_waiting else ""),
        ],
    )
    yield "outbox", [Piece(f"{format_count(found.outbox_lag)} changes behind")]


def _states(found: Signals) -> list[Piece]:
    states = [
        Piece(f"✔ {name}", "green") if is_up else Piece(f"✘ {name} does not answer", "red")
        for name, is_up in sorted(found.dependencies.items())
    ]
    states += [
        Piece(f"! breaker of {name} open", "red")
        for name, is_open in sorted(found.breakers.items())
        if is_open
    ]
    return states or [Piece("nothing that it tells of", "dim")]


def _part(part: SeenPart) -> Piece:
    if part.problem is not None:
        return Piece(f"✘ {part.name} {'crashed' if part.status == 'crashed' else 'not ready'}", "red")
    return Piece(f"✔ {part.name}", "green") if part.is_ready else Piece(f"- {part.name}", "dim")


def _evidence(found: SeenEvidence, *, now: datetime) -> list[Piece]:
    marks = {"pass": Piece("✔ pass", "green"), "fail": Piece("✘ fail", "red")}
    age = format_duration(max(0.0, (now - found.recorded_at).total_seconds()))
    return [
        marks.get(found.verdict, Piece(f"! {found.verdict}", "yellow")),
        Piece(found.kind, gap="  "),
        Piece(found.subject, gap=" "),
        Piece(f"{age} ago{', stale' if found.is_stale else ''}", "dim", gap="  "),
    ]


def _alerts(look: Look) -> Iterator[list[Piece]]:
    if look.alerts is None:
        yield [Piece("nobody watches", "dim")]
        return
    if not look.firing:
        yield [Piece("✔ none fires", "green")]
    for alert in look.firing:
        yield _firing(alert)
    if look.pending:
        names = ", ".join(alert.name for alert in look.pending)
        yield _sentence(f"○ pending: {names}", style="dim")


def _firing(alert: SeenAlert) -> list[Piece]:
    colour = "dim" if alert.is_muted else _COLOURS.get(alert.severity, "")
    muted = " (muted)" if alert.is_muted else ""
    name = Piece(f"● {alert.severity or 'firing'} {alert.name}{muted}", colour)
    first, *others = _sentence(alert.summary, style="dim")
    return [name, Piece(first.words, "dim", gap="  "), *others]


def _sentence(text: str, *, style: str) -> list[Piece]:
    """Return words that may stand on several lines."""
    return [Piece(word, style, gap=" ") for word in text.split()] or [Piece("")]


def _with_curve(
    figures: Piece, values: "Sequence[float | None]", *, room: int, style: str = "cyan"
) -> list[Piece]:
    """Return figures with their curve behind them; without it where there is no room, or no past."""
    columns = room - _FIGURE_COLUMNS - 1
    if columns < _SMALLEST_CURVE or len(values) < 2 or len(figures.words) >= _FIGURE_COLUMNS:
        return [figures]
    curve = sparkline(list(values)[-columns:], width=columns, floor=0)
    return [figures, Piece(curve, style, gap=" " * (_FIGURE_COLUMNS - len(figures.words)))]


def _errors(ratio: float | None) -> Piece:
    if ratio is None:
        return Piece("-", "dim")
    if ratio > BAD_ERROR_RATIO:
        return Piece(f"✘ {ratio:.1%}", "red")
    return Piece(f"{ratio:.2%}", "yellow") if ratio else Piece("0%", "dim")


def _count(number: float) -> str:
    return format_count(number) if number >= 100 else f"{number:.1f}"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
