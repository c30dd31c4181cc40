"""Which calls of a program stand in a piece of shell, with which arguments?"""

import re
import shlex
from collections.abc import Iterator

_BEFORE_A_COMMAND = frozenset(
    {
        "!",
        "{",
        "if",
        "elif",
        "then",
        "while",
        "until",
        "do",
        "else",
        "time",
        "exec",
        "sudo",
        "command",
        "env",
        "nohup",
    }
)


def calls_of(program: str, text: str) -> Iterator[tuple[int, list[str]]]:
    r"""Yield the arguments of each call of a program, with its line from 0; pipes, `&&` and `;` end a call.

    >>> list(calls_of("opsctl", "cd x && opsctl stack up  # all of it\nKEY=$(opsctl security keys list | head)"))
    [(0, ['stack', 'up']), (1, ['security', 'keys', 'list'])]
    """
    for offset, line in _whole_lines(text):
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:
            continue  # a quote that is closed further on; bash has looked at the whole
        yield from ((offset, call) for call in _calls_among(words, program))


def _whole_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line with where it begins; one that ends with a backslash goes on in the next."""
    begins, parts = 0, list[str]()
    for offset, line in enumerate(text.splitlines()):
        begins = begins if parts else offset
        if line.endswith("\\"):
            parts.append(line[:-1])
        else:
            yield begins, "".join([*parts, line])
            parts = []
    if parts:
        yield begins, "".join(parts)


def _calls_among(words: list[str], program: str) -> Iterator[list[str]]:
    call: list[str] | None = None
    is_first = True
    for word in words:
        if set(word) <= set("|&;()<>"):
            if call is not None:
                yield call
            call, is_first = None, set(word) <= set("|&;(")
        elif call is not None:
            call.append(word)
        elif is_first and word.rpartition("/")[2] == program:
            call = []
        elif is_first and re.fullmatch(r"[A-Za-z_]\w*=.*", word) is None:
            is_first = word in _BEFORE_A_COMMAND
    if call is not None:
        yield call
