"""What became of a request that somebody else's Locust client sent, as far as its `request` event tells."""

import math
from typing import Any

from opsctl.bench.load.tally import Outcome

_BY_NAME = {
    "ConnectionRefusedError": Outcome.REFUSED,
    "NewConnectionError": Outcome.REFUSED,
    "ConnectionResetError": Outcome.RESET,
    "BrokenPipeError": Outcome.RESET,
    "RemoteDisconnected": Outcome.RESET,
    "HTTPConnectionClosed": Outcome.RESET,
    "SSLError": Outcome.TLS_FAILED,
    "SSLCertVerificationError": Outcome.TLS_FAILED,
    "IncompleteRead": Outcome.TRUNCATED,
    "ChunkedEncodingError": Outcome.TRUNCATED,
    "HTTPParseError": Outcome.MALFORMED,
    "BadStatusLine": Outcome.MALFORMED,
    "ConnectTimeout": Outcome.TIMED_OUT,
    "ReadTimeout": Outcome.TIMED_OUT,
    "Timeout": Outcome.TIMED_OUT,
    "TimeoutError": Outcome.TIMED_OUT,
}
"""By the name of the exception's class, so that `requests` and `geventhttpclient` need no import here."""


def outcome_of(exception: BaseException | None, *, status: int) -> tuple[Outcome, str]:
    """Return the outcome and, for errors, the reason in a few words."""
    if exception is None:
        return Outcome.OK, ""
    for each in _causes(exception):
        for kind in type(each).__mro__:
            if kind.__name__ in _BY_NAME:
                return _BY_NAME[kind.__name__], kind.__name__
    if status >= 400:
        return Outcome.BAD_STATUS, f"status {status}"
    if isinstance(exception, ConnectionError | OSError) and not status:
        return Outcome.RESET, type(exception).__name__
    return Outcome.CHECK_FAILED, (str(exception) or type(exception).__name__)[:80]


def status_of(response: Any) -> int:
    """Return the status of an answer; 0 when none came."""
    status = getattr(response, "status_code", None)
    return status if isinstance(status, int) else 0


def head_of(response: Any) -> bytes:
    """Return as much of an answer's head as says which tier gave it, in lower case."""
    headers = getattr(response, "headers", None)
    named = headers.get("X-Cache") if headers is not None else None
    return b"" if named is None else f"\r\nx-cache: {named}\r\n".lower().encode()


def seconds_of(response_time: Any) -> float:
    """Return Locust's milliseconds as seconds; 0 for the missing ones."""
    milliseconds = float(response_time or 0.0)
    return milliseconds / 1000 if math.isfinite(milliseconds) else 0.0


def _causes(exception: BaseException) -> list[BaseException]:
    """Return an exception, what it wraps, and what caused it; innermost first."""
    found: list[BaseException] = []
    waiting: list[Any] = [exception]
    while waiting and len(found) < 10:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args[:2]]
    return found[::-1]
