"""Does whoever sits at the terminal say yes: a question on stderr, answered by a line or by Ctrl-C."""

import os
import select
import sys

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}
# A Ctrl-C just before a wait only sets a flag, which Python looks at when it is back: a wait without an end would miss it.
_LOOK_SECONDS = 0.2


def confirmed(question: str) -> bool:
    """Ask until the answer is yes or no; an empty line is no.

    Raises:
        KeyboardInterrupt: Ctrl-C, or Ctrl-D, or a terminal that has gone.
    """
    while True:
        sys.stderr.write(f"{question} [y/N]: ")
        sys.stderr.flush()
        said = _line().strip().lower()
        if said in _ANSWERS:
            return _ANSWERS[said]
        sys.stderr.write("y or n, please\n")


def _line() -> str:
    descriptor = sys.stdin.fileno()
    while not select.select([descriptor], [], [], _LOOK_SECONDS)[0]:
        pass
    try:
        line = os.read(descriptor, 4096)  # a terminal gives one line at a time
    except OSError:
        line = b""
    if not line:
        raise KeyboardInterrupt
    return line.decode(errors="replace")
