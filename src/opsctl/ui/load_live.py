"""How does a load look while it runs: one live table on a terminal, a line every few seconds elsewhere, or NDJSON."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from opsctl.bench.load.model import LoadTick
from opsctl.core.events import Event, Listener, Noted, PhaseFinished, PhaseStarted, ignore
from opsctl.core.units import format_duration
from opsctl.ui.console import err, mode, note
from opsctl.ui.figures import milliseconds
from opsctl.ui.sparkline import sparkline

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

TICK_SCHEMA = "opsctl.bench.load.tick/v1"

_REDRAW_SECONDS = 0.25
_LINE_SECONDS = 5.0
_KEPT_TICKS = 120
_TIER_MARKS = {"HIT-L1": "█", "STALE": "▓", "HIT-L2": "▒", "MISS": "░", "none": "·"}


@contextmanager
def live_load(*, clock: Callable[[], float] = time.monotonic) -> Iterator[Listener]:
    """Give a listener that shows a running load on stderr; nothing at all with `--quiet`."""
    if mode.verbosity < 0:
        yield ignore
    elif err().is_terminal and "CI" not in os.environ:
        from rich.live import Live

        with Live(console=err(), auto_refresh=False, transient=True) as live:
            yield _LiveTable(live=live, clock=clock)
    else:
        yield _Lines()


def write_ndjson(event: Event) -> None:
    """Write a tick to stdout as one JSON object on a line; other events have no place in the stream."""
    if isinstance(event, LoadTick):
        write_ndjson_line(TICK_SCHEMA, _tick_fields(event))


def write_ndjson_line(schema: str, data: Any) -> None:
    """Write one object `{schema, data}` to stdout, at once; NaN and infinities become null."""
    import orjson

    if sys.stdout is None:  # closed by the caller: `>&-`
        return
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    sys.stdout.buffer.write(orjson.dumps({"schema": schema, "data": data}, default=str, option=options))
    sys.stdout.flush()


def tick_line(tick: LoadTick) -> str:
    """Return a running load in one line of plain text."""
    shares = ", ".join(
        f"p{share * 100:g} {milliseconds(value)}" for share, value in tick.percentiles_seconds.items()
    )
    return (
        f"{tick.subject}: {format_duration(tick.seconds)} of {format_duration(tick.total_seconds)}, {tick.phase},"
        f" {tick.achieved_rate:,.0f}{f' of {tick.planned_rate:,.0f}' if tick.planned_rate else ''} requests/s, {tick.in_flight:,} in flight,"
        f" {tick.waiting:,} waiting, {shares or 'no answers yet'}{' ms' if shares else ''}, {tick.errors:,} errors"
    )


def tick_view(ticks: Sequence[LoadTick], *, width: int) -> "RenderableType":
    """Return the live view of the last ticks, at most `width` columns wide and 8 lines high."""
    from rich.console import Group
    from rich.text import Text

    tick = ticks[-1]
    room = max(10, width - 22)
    shares = "   ".join(
        f"p{share * 100:g} {milliseconds(value)}" for share, value in tick.percentiles_seconds.items()
    )
    tails: list[float | None] = [each.percentiles_seconds.get(0.99) for each in ticks]
    rates: list[float | None] = [each.achieved_rate for each in ticks]
    rows = {
        tick.subject: f"{tick.phase}  {_progress(tick, columns=max(8, room - 44))}",
        "rate": f"{tick.achieved_rate:,.0f}{f' of {tick.planned_rate:,.0f} planned' if tick.planned_rate else ''} /s",
        "": sparkline(rates, width=room, floor=0),
        "latency": f"{shares or 'no answers yet'}{' ms' if shares else ''}",
        " ": sparkline(tails, width=room, floor=0) + " p99",
        "open": f"{tick.in_flight:,} in flight, {tick.waiting:,} waiting",
        "errors": f"{'! ' if tick.errors else '✔ '}{tick.errors:,} of {tick.answered:,} answers",
        "tiers": tier_bar(tick.tiers, width=room),
    }
    lines = []
    for name, value in rows.items():
        line = Text.assemble((f"{name[:16]:<17}", "dim"), value)
        line.truncate(max(10, width - 1), overflow="ellipsis")
        if name == "errors" and tick.errors:
            line.stylize("yellow")
        lines.append(line)
    return Group(*lines)


def tier_bar(tiers: Mapping[str, int], *, width: int) -> str:
    """Return who answered: a bar of marks by share, and the shares in words, since marks alone say little.

    >>> tier_bar({"HIT-L1": 3, "MISS": 1}, width=40)
    '██████░░ HIT-L1 75%  MISS 25%'
    """
    total = sum(tiers.values())
    if not total:
        return "no tier named yet"
    words = "  ".join(f"{name} {count / total:.0%}" for name, count in tiers.items() if count)
    columns = max(8, min(40, width - len(words) - 12))
    marks, begun = "", 0
    for name, count in tiers.items():
        ended = begun + count
        marks += _TIER_MARKS.get(name, "▚") * (
            round(ended * columns / total) - round(begun * columns / total)
        )
        begun = ended
    return f"{marks} {words}"


@dataclass(slots=True, kw_only=True)
class _LiveTable:
    """Redraws at most four times a second, however many ticks come."""

    live: "Live"
    clock: Callable[[], float]
    ticks: deque[LoadTick] = field(default_factory=lambda: deque(maxlen=_KEPT_TICKS))
    drawn_at: float = float("-inf")

    def __call__(self, event: Event) -> None:
        match event:
            case LoadTick():
                self.ticks.append(event)
                now = self.clock()
                if now - self.drawn_at >= _REDRAW_SECONDS:
                    self.drawn_at = now
                    self.live.update(tick_view(self.ticks, width=self.live.console.width), refresh=True)
            case _:
                text = _other(event)
                if text:
                    self.live.console.print(text, markup=False, highlight=False)


@dataclass(slots=True, kw_only=True)
class _Lines:
    """One line every few seconds of the run, for logs and build servers."""

    told_at: float = float("-inf")
    phase: str = ""

    def __call__(self, event: Event) -> None:
        from rich.markup import escape

        match event:
            case LoadTick():
                if event.seconds - self.told_at >= _LINE_SECONDS or event.phase != self.phase:
                    self.told_at, self.phase = event.seconds, event.phase
                    note(escape(tick_line(event)))
            case _:
                text = _other(event)
                if text:
                    note(escape(text))


def _other(event: Event) -> str:
    match event:
        case PhaseStarted():
            return f"{event.subject}: {event.phase}"
        case PhaseFinished():
            return f"{event.subject}: {event.phase} done in {format_duration(event.duration_seconds)}"
        case Noted():
            return f"{event.subject}: {event.message}"
        case _:
            return ""


def _progress(tick: LoadTick, *, columns: int) -> str:
    part = min(1.0, tick.seconds / tick.total_seconds) if tick.total_seconds > 0 else 0.0
    done = round(min(30, columns) * part)
    bar = "━" * done + "╌" * (min(30, columns) - done)
    return f"{bar} {format_duration(tick.seconds)} of {format_duration(tick.total_seconds)}"


def _tick_fields(tick: LoadTick) -> dict[str, Any]:
    fields = asdict(tick)
    shares = fields.pop("percentiles_seconds")
    return fields | {f"p{share * 100:g}_seconds": value for share, value in shares.items()}
