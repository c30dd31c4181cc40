"""How is a stack brought back on which a restore was killed in the middle of its exchange?"""

from pathlib import Path

from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.core.events import Listener, Noted
from opsctl.stack.down import stop_parts
from opsctl.stack.exchange import note_path, parts_of_exchange, take_back_exchange
from opsctl.stack.lock import changing_stack
from opsctl.stack.up import start_parts


def take_back_killed(home: Path, *, listener: Listener, clock: Clock) -> None:
    """Put back what somebody moved who was killed in the middle, run what ran, and say so.

    Whoever exchanges holds the lock of the stack all the time, so under it nobody does.

    Raises:
        RefusedError: STK017 what was put aside is gone.
        NotReadyError: FIL001, FIL003 something cannot be moved; it can be tried again.
    """
    home = home.resolve()
    if not note_path(home).exists():
        return
    with changing_stack(home, what="taking back a restore that was killed", listener=listener, clock=clock):
        if not note_path(home).exists():
            return  # whoever had the lock was at work, and came to its end
        parts = parts_of_exchange(home)
        if parts:
            stop_parts(home, only=tuple(parts), listener=listener, clock=clock)
        take_back_exchange(home)
        note = "a restore was killed while it exchanged the data; what was there before it is back"
        listener(Noted(subject="stack", message=note))
        ran = tuple(name for name, did_run in parts.items() if did_run)
        try:
            if ran:
                start_parts(home, only=ran, listener=listener, clock=clock)
        except OpsError as error:
            message = f"it does not start: {error.message}; try `opsctl stack up`"
            listener(Noted(subject="stack", message=message))
