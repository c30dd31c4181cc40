"""When is a request to a shaken server sent again: backoff with an end."""

from collections.abc import Callable
from typing import TypeVar

from opsctl.clients.qdrant_errors import is_transient
from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError

Result = TypeVar("Result")

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 3.0


def retrying(call: Callable[[], Result], *, clock: Clock, budget_seconds: float) -> Result:
    """Return what `call` returns; a transient error is tried again until the budget is used up.

    Raises:
        OpsError: the last error, or the first one that trying again cannot mend.
    """
    began = clock.monotonic()
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return call()
        except OpsError as error:
            if not is_transient(error) or clock.monotonic() - began + pause_seconds > budget_seconds:
                raise
        clock.sleep(pause_seconds)
        pause_seconds = min(_LONGEST_PAUSE_SECONDS, pause_seconds * 2)
