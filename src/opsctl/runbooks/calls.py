"""Which commands of opsctl does a step call, with which arguments?"""

import re
import shlex
from collections.abc import Iterator

from opsctl.runbooks.model import Step

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


def opsctl_calls(step: Step) -> Iterator[tuple[int, list[str]]]:
    """Yield the arguments of each call of opsctl, with its line; pipes, `&&` and `;` end a call."""
    for offset, line in enumerate(step.command.replace("\\\n", "  ").splitlines()):
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
            lexer.whitespace_split = True
            words = list(lexer)
        except ValueError:
            continue  # a quote that is closed further on; bash has looked at the whole
        yield from ((step.line + offset, call) for call in _calls_among(words))


def _calls_among(words: list[str]) -> Iterator[list[str]]:
    call: list[str] | None = None
    is_first = True
    for word in words:
        if set(word) <= set("|&;()<>"):
            if call is not None:
                yield call
            call, is_first = None, set(word) <= set("|&;(")
        elif call is not None:
            call.append(word)
        elif is_first and word.rpartition("/")[2] == "opsctl":
            call = []
        elif is_first and re.fullmatch(r"[A-Za-z_]\w*=.*", word) is None:
            is_first = word in _BEFORE_A_COMMAND
    if call is not None:
        yield call
