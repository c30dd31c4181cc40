"""Help pages: every command says what it does and shows examples that it really understands."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from opsctl.cli.app import app
from opsctl.cli.reference import render_reference

ROOT: Any = get_command(app)


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command of the tree that does work, with its words."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def examples(command: Any) -> list[str]:
    """Return the example lines of a help page."""
    _, _, shown = command.help.partition("Examples:\n")
    return [line.strip() for line in shown.splitlines() if line.strip()]


ALL = [pytest.param(path, command, id=" ".join(path)) for path, command in commands()]


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_command_leads_with_a_sentence_and_an_example(path, command):
    """One sentence first, then something to copy."""
    first = command.help.splitlines()[0]

    assert first[0].isupper()
    assert first.rstrip()[-1] in ".:;,?" or len(first) < 110
    assert any(f"opsctl {' '.join(path)}" in example for example in examples(command))


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_example_is_understood_by_the_command_it_shows(path, command):
    """An option that was renamed would leave a lie in the help."""
    for example in examples(command):
        words = shlex.split(example, comments=True)
        arguments = words[words.index("opsctl") + 1 :]
        if tuple(arguments[: len(path)]) != path:
            continue
        context = command.make_context(path[-1], arguments[len(path) :], resilient_parsing=True)
        command.make_parser(context).parse_args(args=arguments[len(path) :])


def test_every_example_fits_a_terminal():
    """Eighty columns, four of them blank; a command that breaks off is not copied whole."""
    wide = [example for _, command in commands() for example in examples(command) if len(example) > 76]

    assert wide == []


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_command_can_answer_a_program(path, command):
    """`--json` works everywhere, but where the output is JSON or a log by nature, or there is none."""
    options = {option for parameter in command.params for option in parameter.opts}

    assert "--json" in options or path in {
        ("config", "schema"),
        ("stack", "logs"),
        ("chaos", "ground"),
        ("dr", "archive"),
    }


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_option_says_what_it_is_for(path, command):
    """No option without a help text."""
    silent = [
        parameter.name
        for parameter in command.params
        if parameter.name != "help" and not getattr(parameter, "help", None)
    ]

    assert silent == []


def test_every_command_stands_in_the_readme_or_a_guide():
    """Whoever reads the documentation meets every command."""
    root = Path(__file__).parents[2]
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    missing = [" ".join(path) for path, _command in commands() if f"opsctl {' '.join(path)}" not in text]

    assert missing == []


def test_the_page_of_commands_is_that_of_the_commands():
    """`make docs` was run after the last change of an option."""
    page = Path(__file__).parents[2] / "docs" / "commands.md"

    assert page.read_text(encoding="utf-8") == render_reference()
