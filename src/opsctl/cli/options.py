"""Options that many commands share, each declared once, and how help pages show examples."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from opsctl.ui.console import mode

Function = TypeVar("Function", bound=Callable[..., Any])

HELP_FLAGS = {"help_option_names": ["-h", "--help"]}


def _remember_json(value: bool) -> bool:
    mode.json = value
    return value


Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document instead of a table.", callback=_remember_json)
]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done, change nothing.")]


def group(help: str) -> typer.Typer:
    """Return the Typer group of a noun."""
    return typer.Typer(help=help, no_args_is_help=True, rich_markup_mode=None, context_settings=HELP_FLAGS)


def command(app: typer.Typer, *examples: str, name: str | None = None) -> Callable[[Function], Function]:
    """Add a function to a group; its help page is its docstring, then runnable examples, then the options.

    >>> app = group("Local processes.")
    >>> @command(app, "opsctl stack up", "opsctl stack up --json")
    ... def up() -> None:
    ...     "Start the local stack."
    """

    def add(function: Function) -> Function:
        shown = "\n".join(f"  {example}" for example in examples)
        page = f"{inspect.getdoc(function)}\n\n\b\nExamples:\n{shown}"
        app.command(name, help=page, context_settings=HELP_FLAGS)(function)
        return function

    return add
