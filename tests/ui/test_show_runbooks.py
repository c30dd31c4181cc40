"""How a runbook looks on a terminal: rendered, with commands that can be copied whole."""

import io

from rich.console import Console
from tests.runbooks.books import GOOD

from opsctl.ui.show_runbooks import render_text

LONG = "curl -sS " + " ".join(f"--header 'x-{number}: y'" for number in range(20))


def rendered(text):
    """Return the lines of a terminal of 80 columns."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None, record=True)
    render_text(text, console=console)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_long_command_stays_on_one_line():
    """At night people copy it, and a line end in the middle would run half of it."""
    assert f"    {LONG}" in rendered(GOOD.replace("opsctl stack status | head -3", LONG))


def test_steps_keep_their_numbers_and_headings_their_distance():
    """The number is the one that `--step` takes."""
    lines = rendered(GOOD)

    assert " 3 Start it again; what it means." in lines
    assert lines[lines.index("Mitigation") - 1] == ""
    assert lines[lines.index("Mitigation") + 1] == ""
    assert "    # changes: stops the cache" in lines
