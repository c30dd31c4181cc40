"""A load while it runs: at most four redraws a second, plain lines without a terminal, and only NDJSON on stdout."""

import io
import json
from collections import deque

import pytest
from rich.console import Console, RenderableType
from rich.live import Live
from tests.bench.load.reports import a_tick
from tests.fakes.clock import FakeClock

from opsctl.core.events import Noted, PhaseFinished
from opsctl.ui import console as console_module
from opsctl.ui.load_live import _LiveTable, live_load, tick_line, tick_view, write_ndjson


class _CountingLive(Live):
    """A live display that draws nothing and keeps what it was told to draw."""

    def __init__(self, *, console: Console) -> None:
        super().__init__(console=console, auto_refresh=False)
        self.told: list[RenderableType] = []

    def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
        """Keep a view that is to be drawn at once."""
        assert refresh
        self.told.append(renderable)


def _drawn(ticks, *, width):
    console = Console(width=width, file=io.StringIO(), color_system=None, record=True)
    console.print(tick_view(deque(ticks), width=width))
    return console.export_text()


def test_the_view_shows_what_is_asked_of_it(snapshot):
    """Rate, open requests, percentiles, errors, tiers, progress, phase."""
    assert _drawn([a_tick(float(second)) for second in range(1, 31)], width=100) == snapshot


@pytest.mark.parametrize("width", [30, 40, 60, 200])
def test_no_line_is_wider_than_the_terminal(width):
    """A wrapped line would make a live view jump."""
    text = _drawn([a_tick(phase="stairs 1,000/s to 20,000/s, step 3 of 20", subject="a" * 40)], width=width)

    assert max(map(len, text.splitlines())) <= width
    assert len(text.splitlines()) == 8


def test_a_run_without_answers_yet_is_no_failure():
    """The first tick comes before the first answer."""
    tick = a_tick(0.0, percentiles_seconds={}, tiers={}, answered=0, errors=0, total_seconds=0.0)

    assert "no answers yet" in _drawn([tick], width=80)
    assert "no answers yet" in tick_line(tick)


def test_many_ticks_are_drawn_at_most_four_times_a_second():
    """Whoever sends ticks faster does not make the sender wait for the terminal."""
    clock = FakeClock()
    console = Console(width=80, file=io.StringIO(), force_terminal=True, color_system=None)
    with _CountingLive(console=console) as live:
        table = _LiveTable(live=live, clock=clock.monotonic)
        for _ in range(100):
            table(a_tick())
            clock.sleep(0.01)

    assert 3 <= len(live.told) <= 5


def test_without_a_terminal_there_is_a_line_every_few_seconds_and_nothing_on_stdout(capsys):
    """A build server's log stays readable; a new phase is told at once."""
    with live_load() as listen:
        for second in range(20):
            listen(a_tick(float(second), phase="ramp" if second < 12 else "steady"))
        listen(PhaseFinished(subject="standard", phase="warm-up", duration_seconds=2.0))
        listen(Noted(subject="standard", message="[bold] is no markup"))

    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert [line.split(",")[0] for line in lines[:5]] == [
        "standard: 0 ms of 1 min 0 s",
        "standard: 5 s of 1 min 0 s",
        "standard: 10 s of 1 min 0 s",
        "standard: 12 s of 1 min 0 s",
        "standard: 17 s of 1 min 0 s",
    ]
    assert lines[5:] == ["standard: warm-up done in 2 s", "standard: [bold] is no markup"]


def test_quiet_is_quiet(capsys, monkeypatch):
    """Nothing at all with `--quiet`."""
    monkeypatch.setattr(console_module.mode, "verbosity", -1)
    with live_load() as listen:
        listen(a_tick())

    assert capsys.readouterr() == ("", "")


def test_ndjson_is_one_object_a_tick(capsysbinary):
    """Each on its line, at once, and nothing for other events."""
    write_ndjson(a_tick(1.0))
    write_ndjson(Noted(subject="standard", message="beside"))
    write_ndjson(a_tick(2.0, percentiles_seconds={0.5: float("nan")}))

    first, second = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert first["schema"] == "opsctl.bench.load.tick/v1"
    assert first["data"]["p95_seconds"] == 0.0042
    assert first["data"]["tiers"]["HIT-L1"] == 1650
    assert second["data"]["p50_seconds"] is None
