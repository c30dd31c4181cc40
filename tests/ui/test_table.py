"""Tables: whole on any terminal, because names and addresses are copied out of them."""

from contextlib import ExitStack

import pytest
from rich.console import Console

from opsctl.ui.console import shown_on
from opsctl.ui.table import show_table

TITLES = ("part", "status", "address")
ROWS = [
    ("postgres", "[green]running[/]", "postgresql://opsctl@127.0.0.1:26474/opsctl"),
    ("vectors", "[green]running[/]", "http://127.0.0.1:21322"),
]


@pytest.fixture
def console():
    """A terminal whose width the test chooses."""
    with ExitStack() as stack:

        def make(width, *, is_terminal=True):
            made = Console(
                width=width, force_terminal=is_terminal, color_system=None, record=True, quiet=False
            )
            stack.enter_context(shown_on(made))
            return made

        yield make


def _lines(console):
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_table_that_fits_has_a_row_a_line(console):
    """No rules, no frame, two columns between cells."""
    wide = console(80)

    show_table(TITLES, ROWS)

    assert _lines(wide) == [
        "part      status   address",
        "postgres  running  postgresql://opsctl@127.0.0.1:26474/opsctl",
        "vectors   running  http://127.0.0.1:21322",
    ]


def test_a_table_that_does_not_fit_becomes_paragraphs_and_loses_nothing(console):
    """One for each row, the title before each value."""
    narrow = console(40)

    show_table(TITLES, ROWS)

    assert _lines(narrow) == [
        "postgres",
        "  status running",
        "  address postgresql://opsctl@127.0.0.1:26474/opsctl",
        "vectors",
        "  status running",
        "  address http://127.0.0.1:21322",
    ]


def test_a_pipe_gets_a_row_a_line_however_long(console):
    """What is searched with `grep` stays on its line."""
    pipe = console(40, is_terminal=False)

    show_table(TITLES, ROWS)

    assert [len(line.split()) for line in _lines(pipe)] == [3, 3, 3]


def test_no_rows_print_nothing(console):
    """A header over nothing would look like a failure."""
    empty = console(80)

    show_table(TITLES, [])

    assert _lines(empty) == []
