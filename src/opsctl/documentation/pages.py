"""Which commands does a page of Markdown tell people to type, and on which lines?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opsctl.core.shell_calls import calls_of

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+)(?P<language>[\w-]*).*$")
_SHELLS = frozenset({"sh", "bash"})
_SESSION = "console"
_PROMPT = "$ "
_INLINE = re.compile(r"`(?P<text>opsctl [^`]+)`")
# What stands for something else, or for several verbs at once, is a form and no command.
_FORM = re.compile(r"\.\.\.|\||\b[A-Z][A-Z_]+\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCommand:
    """A call of opsctl in a page: its line, counted from 1, its arguments, and whether it stands to be typed, in a block."""

    line: int
    words: tuple[str, ...]
    is_typed: bool

    @property
    def text(self) -> str:
        """Return it as it is typed."""
        return " ".join(("opsctl", *self.words))


def commands_of(page: str) -> Iterator[PageCommand]:
    r"""Yield every call of opsctl in the code of a page: blocks of sessions and of shell, and code within a sentence.

    In a session only what stands behind `$ ` is typed; where no line has that, each line that begins with `opsctl` is.

    >>> page = "see `opsctl status`\n```console\n$ opsctl stack up\nopsctl is up\n```\n```yaml\nrun: opsctl x\n```\n"
    >>> [(each.line, each.text) for each in commands_of(page)]
    [(1, 'opsctl status'), (3, 'opsctl stack up')]
    """
    lines = page.splitlines()
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening is None:
            yield from _within_a_sentence(lines[at], line=at + 1)
            at += 1
            continue
        end = _end_of_block(lines, at, fence=opening["fence"])
        yield from _of_block(lines[at + 1 : end], language=opening["language"], first=at + 2)
        at = end + 1


def _end_of_block(lines: list[str], opening: int, *, fence: str) -> int:
    for at in range(opening + 1, len(lines)):
        if lines[at].strip() == fence:
            return at
    return len(lines)


def _of_block(lines: list[str], *, language: str, first: int) -> Iterator[PageCommand]:
    if language == _SESSION:
        typed = _typed(lines)
    elif language in _SHELLS:
        typed = lines
    else:
        return
    for offset, words in calls_of("opsctl", "\n".join(typed)):
        yield PageCommand(line=first + offset, words=tuple(words), is_typed=True)


def _typed(lines: list[str]) -> list[str]:
    """Return what is typed of a session, an empty line for each that is printed, so that lines keep their numbers."""
    bare = [line.strip() for line in lines]
    if not any(line.startswith(_PROMPT) for line in bare):
        return [line if line.startswith("opsctl ") else "" for line in bare]
    typed, goes_on = list[str](), False
    for line in bare:
        is_typed = goes_on or line.startswith(_PROMPT)
        typed.append(line.removeprefix(_PROMPT) if is_typed else "")
        goes_on = is_typed and line.endswith("\\")
    return typed


def _within_a_sentence(text: str, *, line: int) -> Iterator[PageCommand]:
    for found in _INLINE.finditer(text):
        if _FORM.search(found["text"]) is None:
            yield from (
                PageCommand(line=line, words=tuple(words), is_typed=False)
                for _, words in calls_of("opsctl", found["text"])
            )
