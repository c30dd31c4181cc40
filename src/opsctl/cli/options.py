"""Options that many commands share, each declared once, and how help pages show examples."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
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
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with time lines.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Also write Markdown.")]
AskedPrometheus = Annotated[
    str | None,
    typer.Option(
        "--prometheus", metavar="URL", help="Whom to ask; default: `watch.prometheus_url`, else the stack's."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done, change nothing.")]


def group(help: str) -> typer.Typer:
    """Return the Typer group of a noun."""
    return typer.Typer(
        help=help,
        short_help=_first_sentence(help),
        epilog="`--help` of each of them shows examples.",
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings=HELP_FLAGS,
    )


def command(app: typer.Typer, *examples: str, name: str | None = None) -> Callable[[Function], Function]:
    """Add a function to a group; its help page is its docstring, then runnable examples, then the options.

    >>> app = group("Local processes.")
    >>> @command(app, "opsctl stack up", "opsctl stack up --json")
    ... def up() -> None:
    ...     "Start the local stack."
    """

    def add(function: Function) -> Function:
        shown = "\n".join(f"  {example}" for example in examples)
        text = inspect.getdoc(function) or ""
        page = f"{text}\n\n\b\nExamples:\n{shown}"
        short = _first_sentence(text)
        app.command(name, help=page, short_help=short, context_settings=HELP_FLAGS)(function)
        return function

    return add


def _first_sentence(text: str) -> str:
    """Return what a list of commands shows, whole: without it, help pages cut the text at the line's end.

    >>> _first_sentence("Read opsctl.yaml. Exit 1: it is bad.")
    'Read opsctl.yaml.'
    """
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]
