"""How does a line that is wider than the terminal go on: broken at blanks, indented, and no command in two."""

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

UNLIMITED = 10_000
"""Columns of what has no width to keep to."""

# What stands in backticks is typed or searched for; without them a command reaches to the end of its clause.
_WORD = re.compile(r"`[^`\n]*`\S*\s*|\S+\s*")
_WORD_OR_COMMAND = re.compile(r"`[^`\n]*`\S*\s*|(?:opsctl|pip|curl|pip-audit) [^;,)`\n]*\S*\s*|\S+\s*")


def has_width(console: "Console") -> bool:
    """Tell whether lines have a width to keep to: that of a terminal, or the one that `COLUMNS` asks for."""
    return console.is_terminal or os.environ.get("COLUMNS", "").isdigit()


def hanging(
    text: "Text", *, width: int, first: int = 0, indent: int = 2, has_commands: bool = False
) -> "list[Text]":
    """Return the lines of a text, the first indented by `first`, the others by `indent`.

    They are broken at blanks only, never within backticks, and not before a word that has no room on a line of its own
    either. With `has_commands` a command is a word: half of one that is copied would be run.
    """
    from rich.cells import cell_len
    from rich.text import Text

    breaks: list[int] = []
    used = begins = first + len(text.plain) - len(text.plain.lstrip())
    for word in (_WORD_OR_COMMAND if has_commands else _WORD).finditer(text.plain):
        cells = cell_len(word[0].rstrip())
        if used > begins and used + cells > width >= indent + cells:
            breaks.append(word.start())
            begins = used = indent
        used += cell_len(word[0])
    lines = list(text.divide(breaks))
    for line in lines:
        line.rstrip()
    return [Text(" " * (indent if number else first)).append_text(line) for number, line in enumerate(lines)]


def packed(pieces: Sequence[str], *, width: int) -> list[str]:
    """Return lines of as many whole pieces as fit, two blanks between them, the further lines indented.

    >>> packed(["copy 3 s", "points 237", "digest b1"], width=22)
    ['copy 3 s  points 237', '    digest b1']
    """
    lines = [pieces[0]]
    for piece in pieces[1:]:
        longer = f"{lines[-1]}  {piece}"
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(f"    {piece}")
    return lines


def print_hanging(
    console: "Console", markup: str, *, first: int = 0, indent: int = 2, has_commands: bool = False
) -> None:
    """Print markup so; as one line each where there is no width to keep to."""
    width = console.width if has_width(console) else UNLIMITED
    for line in console.render_str(markup, highlight=False).split():
        for part in hanging(line, width=width, first=first, indent=indent, has_commands=has_commands):
            console.print(part, highlight=False, soft_wrap=True)
