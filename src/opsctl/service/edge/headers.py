"""Which headers come in, checked, and which go out: request ids, `traceparent`, what every answer carries."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from opsctl.service.edge.asgi import Header, Scope

# Ids are logged and passed on, so what may be a key (ours, a JWT, one of Supabase) is none: clients mix headers up.
_REQUEST_ID = re.compile(rb"(?!.*(?:opk_|eyJ|sb_secret_))[A-Za-z0-9._-]{1,128}")
# W3C Trace Context, level 1: version 00 has exactly four fields, later ones may have more; ff is not a version.
_TRACEPARENT = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_NO_TRACE = b"0" * 32
_NO_PARENT = b"0" * 16
_SAMPLED = 0x01
_LONGEST_TRACEPARENT = 512

SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""What every answer carries; a page such as `/docs` may bring its own content security policy."""

NOT_STORED: Header = (b"cache-control", b"no-store")
"""For whatever no cache may keep, such as errors."""

BATCH_PRIORITY = b"u=7"
"""RFC 9218, 4.1: the urgency of what nobody waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceParent:
    """Where a request belongs: the trace, and this service's span of it."""

    trace_id: str
    span_id: str
    header: bytes


def request_ids() -> Callable[[], bytes]:
    """Return a maker of request ids: a random start for each worker, then a count, because that is cheap."""
    begin = secrets.token_hex(8).encode()
    numbers = count(1)
    return lambda: b"%s-%x" % (begin, next(numbers))


def accepted_request_id(value: bytes) -> bool:
    """Tell whether a client's own request id may be used; whatever else is never repeated."""
    return _REQUEST_ID.fullmatch(value) is not None


def continue_trace(value: bytes | None) -> TraceParent:
    """Return the trace of a `traceparent`, with a new span of it; a new trace where it is missing or invalid."""
    found = None if value is None or len(value) > _LONGEST_TRACEPARENT else _TRACEPARENT.fullmatch(value)
    if found is None or not _is_valid(found):
        return _trace_parent(secrets.token_hex(16).encode(), flags=_SAMPLED)
    return _trace_parent(found["trace"], flags=int(found["flags"], 16) & _SAMPLED)


def traceparent_of(scope: Scope) -> str:
    """Return the `traceparent` that a request goes on with to the API."""
    found: bytes = dict(scope["headers"]).get(b"traceparent", b"")
    return found.decode("ascii")


def _is_valid(found: re.Match[bytes]) -> bool:
    if found["version"] == b"ff" or found["trace"] == _NO_TRACE or found["parent"] == _NO_PARENT:
        return False
    return found["version"] != b"00" or found["more"] is None


def _trace_parent(trace: bytes, *, flags: int) -> TraceParent:
    span = secrets.token_hex(8).encode()
    return TraceParent(
        trace_id=trace.decode(), span_id=span.decode(), header=b"00-%s-%s-%02x" % (trace, span, flags)
    )
