"""How does the state of the service look: a few lines, and a live view with the last minutes as small curves."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from opsctl.core.units import format_count, format_duration
from opsctl.status.look import Look
from opsctl.ui.console import hint, out
from opsctl.ui.sparkline import sparkline

if TYPE_CHECKING:
    from rich.console import RenderableType

_KEPT = 40
_COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan"}


def show_status(look: Look) -> None:
    """Print one look."""
    out().print(_page(look, _History()))
    if look.note:
        hint(look.note)
    elif look.firing:
        hint(f"`opsctl runbooks show {look.firing[0].name}` says what to do")


def live_view(looks: Iterable[Look]) -> None:
    """Show looks until Ctrl-C: in place on a terminal, else one after the other."""
    history = _History()
    if not out().is_terminal:
        for look in looks:
            history.add(look)
            out().print(_page(look, history))
            sys.stdout.flush()
        return
    from rich.live import Live

    with Live(console=out(), screen=True, auto_refresh=False) as live:
        for look in looks:
            history.add(look)
            live.update(_page(look, history), refresh=True)


class _History:
    """The last values of the curves."""

    def __init__(self) -> None:
        self.rates: deque[float] = deque(maxlen=_KEPT)
        self.slowest: deque[float] = deque(maxlen=_KEPT)

    def add(self, look: Look) -> None:
        if look.signals is not None:
            self.rates.append(look.signals.rate)
            self.slowest.append(look.signals.latency_seconds.get(0.99) or 0.0)


def _page(look: Look, history: _History) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    return Group(*(Text.from_markup(line) for line in _lines(look, history)))


def _lines(look: Look, history: _History) -> Iterator[str]:
    from rich.markup import escape

    found = look.signals
    mark = "[green]✔ well[/]" if look.is_well else "[red]✘ not well[/]"
    yield f"[bold]{look.service}[/]  {mark}"
    if found is None:
        yield f"[red]{escape(look.note or 'it does not answer')}[/]"
        return
    yield _line("requests", f"{format_count(found.rate)}/s", _curve(history.rates))
    quantiles = "  ".join(
        f"p{share * 100:g} {_time(value)}" for share, value in found.latency_seconds.items()
    )
    yield _line("latency", quantiles, _curve(history.slowest))
    yield _line("errors", _percent(found.error_ratio), f"making a feed p99 {_time(found.generation_seconds)}")
    hits = "  ".join(f"{tier.upper()} {_percent(ratio)}" for tier, ratio in found.hit_ratio.items())
    yield _line("hits", hits or "-", "")
    tiers = "  ".join(f"{tier} {_percent(share)}" for tier, share in found.tiers.items() if share)
    yield _line("tiers", tiers or "no feed was made", "")
    use = f"{found.workers:.0f} at {_percent(found.worker_use)} of a core"
    yield _line("workers", use, f"lag p99 {_time(found.loop_lag_seconds)}  in flight {found.in_flight:.0f}")
    pool = f"{found.pool_busy:.0f} busy  {found.pool_idle:.0f} idle  {found.pool_waiting:.0f} waiting"
    yield _line("pool", pool, f"outbox {found.outbox_lag:.0f} behind")
    states = [
        f"{'[green]✔[/]' if is_up else '[red]✘[/]'} {name}" for name, is_up in found.dependencies.items()
    ]
    states += [f"[red]breaker of {name} open[/]" for name, is_open in found.breakers.items() if is_open]
    yield _line("depends on", "  ".join(states) or "-", "")
    yield from _alert_lines(look)


def _alert_lines(look: Look) -> Iterator[str]:
    from rich.markup import escape

    if look.alerts is None:
        yield _line("alerts", "[dim]nobody watches[/]", "")
        return
    shown = [each for each in look.alerts if each.severity != "none"]
    if not shown:
        yield _line("alerts", "[green]none[/]", "")
    for index, each in enumerate(
        sorted(shown, key=lambda each: (each.state != "firing", each.severity, each.name))
    ):
        colour = _COLOURS.get(each.severity, "dim") if each.state == "firing" else "dim"
        mark = "●" if each.state == "firing" else "○"
        yield _line(
            "alerts" if index == 0 else "",
            f"[{colour}]{mark} {each.name}[/]",
            f"[dim]{escape(each.summary)}[/]",
        )


def _line(title: str, text: str, more: str) -> str:
    from rich.text import Text

    # Markup takes no room on the screen, so the column is filled by what will be seen.
    seen = Text.from_markup(text).cell_len
    return f"[dim]{title:<11}[/] {text}{' ' * max(2, 44 - seen)}{more}".rstrip()


def _curve(values: "deque[float]") -> str:
    return f"[cyan]{sparkline(list(values), width=_KEPT, floor=0)}[/]" if len(values) > 1 else ""


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
