"""What does every command take: `docs/commands.md`, rendered from the commands themselves."""

import inspect
import sys
from collections.abc import Iterator
from typing import Any


def render_reference() -> str:
    """Return the Markdown page of all commands; a test keeps the committed one equal to it."""
    from typer.main import get_command

    from opsctl.cli.app import app

    head = "# Commands\n\nRendered from the commands by `make docs`; every page is also `opsctl NOUN VERB --help`.\n"
    return head + "".join(_page(path, command) for path, command in _commands(get_command(app), ("opsctl",)))


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))


def _page(path: tuple[str, ...], command: Any) -> str:
    if hasattr(command, "commands"):
        return f"\n## {' '.join(path)}\n\n{_plain(command.help)}\n"
    sentence, _, examples = _plain(command.help).partition("\n\nExamples:\n")
    level = "##" if len(path) == 2 else "###"
    options = "".join(_row(parameter) for parameter in command.params if parameter.name != "help")
    return f"\n{level} {' '.join(path)}\n\n{sentence}\n\n```console\n{inspect.cleandoc(examples)}\n```\n" + (
        f"\n| option | meaning |\n|---|---|\n{options}" if options else ""
    )


def _row(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    name = ", ".join(parameter.opts) if is_option else parameter.name.upper()
    return f"| `{name}` | {_plain(parameter.help or '')} |\n"


def _plain(text: str | None) -> str:
    return (text or "").replace("\b\n", "").strip()


if __name__ == "__main__":
    sys.stdout.write(render_reference())
