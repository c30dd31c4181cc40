"""A load run on a terminal: the verdict in the first line, nothing cut, nothing by colour alone."""

import pytest
from rich.console import Console
from tests.bench.load.reports import HOSTILE, empty, holding, invalid, missing, summarised

from opsctl.ui.console import err, shown_on
from opsctl.ui.show_load import show_load


@pytest.fixture
def shown():
    """Show a report on a terminal, or into a pipe, and return what was printed."""

    def show(report, *, width=140, is_terminal=True):
        console = Console(
            width=width, force_terminal=is_terminal, color_system=None, record=True, emoji=False
        )
        with shown_on(console, notes=err()):
            show_load(report, run_id="20261122T120000-standard")
        return console.export_text()

    return show


@pytest.mark.parametrize(
    "report", [holding(), missing(), invalid(), empty()], ids=["holding", "missing", "invalid", "empty"]
)
@pytest.mark.parametrize("width", [140, 80, 40])
def test_it_looks_as_it_did(shown, report, width, snapshot):
    """On a wide, a common and a narrow terminal."""
    assert shown(report, width=width) == snapshot


@pytest.mark.parametrize(
    ("report", "first"),
    [
        (holding(), "✔ holds 400 requests/s for 1 min 0 s, 4 gates passed"),
        (missing(), "✘ misses 1 of 3 gates at 400 requests/s for 1 min 0 s: p99 < 100ms"),
        (invalid(), "✘ INVALID: the run says nothing about the service"),
        (empty(), "? cannot tell: nothing was sent; ended early: interrupted"),
    ],
    ids=["holding", "missing", "invalid", "empty"],
)
def test_the_first_line_is_the_verdict(shown, report, first):
    """Whoever reads no further knows it."""
    assert shown(report).splitlines()[0] == first


def test_an_invalid_run_says_why_at_once_and_judges_no_gate(shown):
    """The reason stands below the verdict, and no gate looks met."""
    text = shown(invalid())

    assert "BEN031 the sender came late" in text.splitlines()[1]
    assert "✔ pass" not in text
    assert text.count("not judged") == 4


def test_the_next_step_goes_to_stderr(shown, capsys):
    """Stdout holds results only."""
    shown(missing())

    assert "opsctl bench capacity" in capsys.readouterr().err


def test_a_pipe_gets_a_row_a_line_without_colours(shown):
    """What is searched with `grep` stays on its line."""
    text = shown(holding(), width=40, is_terminal=False)

    assert "\x1b" not in text
    assert any(line.startswith("response") and "651-701" in line for line in text.splitlines())


def test_names_from_outside_are_no_markup(shown):
    """Brackets of a name are no style, and long names do not end early."""
    text = shown(holding(load=HOSTILE, title="[bold]x[/]" * 30, reasons={"[red]body[/]": 3}))

    assert "[bold]x[/]" * 30 in text.replace("\n", "")
    assert "[red]body[/]" in text


def test_an_answer_cannot_move_the_cursor(shown):
    """Reasons hold what a service said, escapes of a terminal as well."""
    text = shown(holding(reasons={"\x1b[2Jcleared\x07": 3}))

    assert "3 x [2Jcleared" in text
    assert "\x1b" not in text


def test_what_the_real_summary_makes_can_be_shown(shown):
    """The builder of these tests and the summary agree on the report's shape."""
    assert shown(summarised()).startswith("✔ holds 200 requests/s for 20 s, 3 gates passed")
