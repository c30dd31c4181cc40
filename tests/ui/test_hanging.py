"""Lines that are wider than the terminal: whole words, whole commands, and nothing broken on a pipe."""

import io

import pytest
from rich.console import Console

from opsctl.ui.hanging import print_hanging


def shown(markup: str, *, width: int = 30, is_terminal: bool = True, **options) -> list[str]:
    """Return what stands on a console of that width."""
    file = io.StringIO()
    print_hanging(
        Console(file=file, width=width, force_terminal=is_terminal, color_system=None), markup, **options
    )
    return file.getvalue().splitlines()


@pytest.fixture(autouse=True)
def without_columns(monkeypatch: pytest.MonkeyPatch):
    """Take the variable away that whoever runs the tests may have set."""
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_long_line_is_broken_at_blanks():
    """And goes on below its beginning."""
    assert shown("[bold]seen:[/] a word and another word, and more", first=2, indent=8) == [
        "  seen: a word and another",
        "        word, and more",
    ]


@pytest.mark.parametrize(
    "hint", ["hint: do run `opsctl dr restore --to latest`", "hint: first do: opsctl dr restore --to latest"]
)
def test_a_command_stays_on_its_line(hint: str):
    """Half of one that is copied would be run."""
    first, second = shown(hint, width=36, has_commands=True)

    assert "opsctl" not in first
    assert "opsctl dr restore --to latest" in second


def test_a_word_too_long_for_any_line_goes_on_where_it_is():
    """An address is not pushed down, which would win nothing."""
    address = "http://127.0.0.1/" + "a" * 40

    assert shown(f"at {address} now") == [f"at {address}", "  now"]


def test_a_pipe_has_no_width():
    """What is searched with `grep` stays on its line."""
    assert shown("word " * 30 + "end", is_terminal=False) == ["word " * 30 + "end"]


def test_lines_of_one_text_stay_lines():
    """Each is broken for itself."""
    assert shown("one\ntwo") == ["one", "two"]
