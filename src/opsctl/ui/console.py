"""Where does output go and how is it coloured: results to stdout, everything else to stderr."""

import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from opsctl.core.envelope import Document


@dataclass(slots=True)
class OutputMode:
    """What the user asked of the output; set once, by the root command's options."""

    json: bool = False
    has_printed_document: bool = False
    color: str = "auto"
    verbosity: int = 0


mode = OutputMode()


@cache
def out() -> "Console":
    """Return the console for results."""
    return _console(stderr=False)


@cache
def err() -> "Console":
    """Return the console for progress, notes and errors."""
    return _console(stderr=True)


def print_document(document: "Document") -> None:
    """Write one JSON document to stdout; NaN and infinities become null."""
    import orjson

    mode.has_printed_document = True
    if sys.stdout is None:  # closed by the caller: `>&-`
        return
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    sys.stdout.buffer.write(orjson.dumps(document, default=_to_plain, option=options) + b"\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """Write a plain line to stdout, never wrapped and never coloured."""
    out().print(text, markup=False, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Tell the user something beside the result, unless they asked for quiet."""
    if mode.verbosity >= 0:
        err().print(text, highlight=False, soft_wrap=True)


def hint(text: str) -> None:
    """Show the next step; literals in backticks."""
    note(f"[cyan]hint:[/] {text}")


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    forced = {"always": True, "never": False}.get(mode.color)
    # Without `emoji=False` Rich turns `:x:` in somebody's data into a picture.
    no_color = mode.color == "never" or None
    console = Console(stderr=stderr, force_terminal=forced, no_color=no_color, emoji=False)
    if not console.is_terminal:
        width = max(console.width, 160)
        console = Console(stderr=stderr, force_terminal=forced, no_color=no_color, emoji=False, width=width)
    return console


def _to_plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset | tuple):
        return sorted(value, key=str) if not isinstance(value, tuple) else list(value)
    return str(value)
