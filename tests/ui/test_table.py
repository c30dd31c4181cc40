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
def console(monkeypatch):
    """A terminal whose width the test chooses."""
    with ExitStack() as stack:

        def make(width, *, is_terminal=True):
            monkeypatch.delenv("COLUMNS", raising=False)
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


def test_a_pipe_keeps_to_the_width_that_columns_asks_for(console, monkeypatch):
    """Whoever sets `COLUMNS` has a pager, a log or a screen of that width."""
    pipe = console(40, is_terminal=False)
    monkeypatch.setenv("COLUMNS", "40")

    show_table(TITLES, ROWS)

    assert _lines(pipe)[:2] == ["postgres", "  status running"]


def test_long_words_stay_whole_and_long_sentences_hang(console):
    """The words of a cell are broken at blanks, each further line two columns deeper."""
    narrow = console(30)

    show_table(("drill", "why", "none"), [("one and a title that is long", "a b " * 10, "")])

    assert _lines(narrow) == [
        "one and a title that is long",
        "  why a b a b a b a b a b a b",
        "    a b a b a b a b",
    ]


def test_figures_stand_to_the_right_where_asked(console):
    """So that digits stand below each other."""
    wide = console(80)

    show_table(("way", "memory"), [("a", "1 B"), ("b", "1,000 B")], to_the_right=("memory",))

    assert _lines(wide) == ["way   memory", "a        1 B", "b    1,000 B"]


def test_no_rows_print_nothing(console):
    """A header over nothing would look like a failure."""
    empty = console(80)

    show_table(TITLES, [])

    assert _lines(empty) == []
