"""Where does output go and how is it coloured: results to stdout, everything else to stderr."""

import re
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.ui.hanging import has_width, print_hanging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from opsctl.core.envelope import Document


# As `config.printable`, in UTF-8; what lies below a blank is escaped in JSON anyway.
_UNPRINTABLE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")


@dataclass(slots=True)
class OutputMode:
    """What the user asked of the output; set once, by the root command's options."""

    json: bool = False
    has_printed_document: bool = False
    color: str = "auto"
    verbosity: int = 0


mode = OutputMode()


_lent: "list[tuple[Console, Console]]" = []
"""Consoles that stand in for those of the standard streams: for results, and for notes; the last one counts."""


def out() -> "Console":
    """Return the console for results."""
    return _lent[-1][0] if _lent else standard_console(stderr=False)


def err() -> "Console":
    """Return the console for progress, notes and errors."""
    return _lent[-1][1] if _lent else standard_console(stderr=True)


@contextmanager
def shown_on(results: "Console", *, notes: "Console | None" = None) -> "Iterator[None]":
    """Let results go to another console within a `with` block, and notes to theirs, or to the same."""
    lent = (results, notes or results)
    _lent.append(lent)
    try:
        yield
    finally:
        _lent.remove(lent)


def print_document(document: "Document") -> None:
    """Write one JSON document to stdout; NaN and infinities become null, what a terminal would obey its escape."""
    mode.has_printed_document = True
    if sys.stdout is None:  # closed by the caller: `>&-`
        return
    sys.stdout.buffer.write(_json(document) + b"\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """Write a plain line to stdout, never wrapped and never coloured."""
    out().print(text, markup=False, highlight=False, soft_wrap=True)


def print_markup(text: str) -> None:
    """Write a line of markup to stdout, never wrapped; whatever comes from outside is to be escaped."""
    out().print(text, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Tell the user something beside the result, unless they asked for quiet."""
    from rich.errors import MarkupError

    if mode.verbosity < 0:
        return
    try:
        print_hanging(err(), text, has_commands=True)
    except MarkupError:  # somebody's path or name has brackets of its own
        err().print(text, highlight=False, soft_wrap=True, markup=False)


def warn(text: str) -> None:
    """Tell what must not be overlooked, also who asked for quiet."""
    from rich.markup import escape

    print_hanging(err(), f"[yellow]warning:[/] {escape(text)}", has_commands=True)


def hint(text: str) -> None:
    """Show the next step; literals in backticks."""
    note(f"[cyan]hint:[/] {text}")


def _json(document: "Document") -> bytes:
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    try:
        written = orjson.dumps(document, default=_to_plain, option=options)
    except TypeError:  # half a character: a file name of another encoding
        written = orjson.dumps(_whole(document), default=_to_plain, option=options)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0].decode()):04x}".encode(), written)


def _whole(value: Any) -> Any:
    """Return a value whose texts are whole, half characters in them written out."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, Path):
        return _whole(str(value))
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _whole(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {_whole(key): _whole(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value]
    return value


@cache
def standard_console(*, stderr: bool) -> "Console":
    """Return the console of a standard stream, as the user asked for it."""
    from opsctl.ui.escaping_console import EscapingConsole

    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # what the terminal's encoding has no character for
    forced = {"always": True, "never": False}.get(mode.color)
    # Without `emoji=False` Rich turns `:x:` in somebody's data into a picture.
    no_color = mode.color == "never" or None
    console = EscapingConsole(stderr=stderr, force_terminal=forced, no_color=no_color, emoji=False)
    if not has_width(console):
        width = max(console.width, 160)
        console = EscapingConsole(
            stderr=stderr, force_terminal=forced, no_color=no_color, emoji=False, width=width
        )
    return console


def _to_plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset | tuple):
        return sorted(value, key=str) if not isinstance(value, tuple) else list(value)
    return str(value)
