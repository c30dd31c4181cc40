"""How does Ctrl-C end a load early, so that what was measured until then is kept?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[Callable[[], str]]:
    """Let the first Ctrl-C ask for an orderly end, with what was measured so far kept; the second one ends at once."""
    import signal

    from opsctl.bench.load.model import INTERRUPTED
    from opsctl.ui.console import note

    asked: list[int] = []

    def ask(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        note("ending early; what was measured so far is kept. Once more to end at once")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: INTERRUPTED if asked else ""
    finally:
        signal.signal(signal.SIGINT, before)
