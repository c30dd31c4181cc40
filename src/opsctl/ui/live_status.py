"""How does the state look while it goes on: in place on a terminal, a block a look elsewhere, or NDJSON."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from opsctl.status.look import Look
from opsctl.ui.console import out
from opsctl.ui.load_live import write_ndjson_line
from opsctl.ui.show_status import History, print_page, status_lines

if TYPE_CHECKING:
    from rich.text import Text

LOOK_SCHEMA = "opsctl.status.look/v1"
_FIRST = "the first figures come in a second"


def live_status(looks: Iterable[Look]) -> None:
    """Show looks as they come."""
    if out().is_terminal:
        _in_place(looks)
        return
    history = History()
    for look in looks:
        history.add(look)
        print_page(status_lines(look, history, width=out().width))
        out().print()
        sys.stdout.flush()


def write_looks(looks: Iterable[Look]) -> None:
    """Write each look as one JSON object on a line of stdout."""
    for look in looks:
        write_ndjson_line(LOOK_SCHEMA, look)


def live_page(look: Look, history: History, *, width: int, height: int) -> "list[Text]":
    """Return a page for a terminal of this size; its last line says what ends it."""
    from rich.text import Text

    foot = [Text(), *([_cut(look.note, width)] if look.note else []), Text("q ends", style="dim")]
    return [*status_lines(look, history, width=width, height=height - len(foot)), *foot]


def _cut(text: str, width: int) -> "Text":
    from rich.text import Text

    line = Text(text, style="dim")
    line.truncate(width, overflow="ellipsis")
    return line


def _in_place(looks: Iterable[Look]) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    console, history = out(), History()
    with Live(Text(_FIRST), console=console, screen=True, auto_refresh=False) as live:
        for look in looks:
            history.add(look)
            page = live_page(look, history, width=console.width, height=console.height)
            live.update(Group(*page), refresh=True)
