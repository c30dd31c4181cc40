"""Has somebody pressed q: a live view waits for its next look and for a key at once."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

_ENDING = frozenset(b"qQ")


@contextmanager
def until_q(*, otherwise: Callable[[float], None]) -> Iterator[Callable[[float], bool]]:
    """Give what waits so many seconds and says false once q was pressed; without a keyboard only `otherwise` waits."""
    descriptor = _keyboard()
    if descriptor is None:
        yield partial(_only_wait, otherwise)
        return
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSANOW)  # each key at once, unseen; Ctrl-C still interrupts
    try:
        yield partial(_wait, descriptor, otherwise)
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _keyboard() -> int | None:
    """Return where keys come from; None without a terminal, or in the background, where touching it would stop us."""
    try:
        descriptor = sys.stdin.fileno()
        is_ours = os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp()
    except (AttributeError, OSError, ValueError):
        return None
    return descriptor if is_ours else None


def _only_wait(wait: Callable[[float], None], seconds: float) -> bool:
    wait(seconds)
    return True


def _wait(descriptor: int, otherwise: Callable[[float], None], seconds: float) -> bool:
    """Wait, and return false once q was pressed; other keys are passed over."""
    import time

    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([descriptor], [], [], left)
        if not ready:
            break
        pressed = os.read(descriptor, 64)
        if not pressed:  # the terminal has gone
            otherwise(max(0.0, until - time.monotonic()))
            break
        if _ENDING & set(pressed):
            return False
    return True
