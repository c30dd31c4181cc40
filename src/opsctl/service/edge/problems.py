"""How does the edge say no: the problems that it raises itself, with their status, reason and headers."""

from contextlib import suppress
from typing import Final

import orjson

from opsctl.service.api.problem import (
    MALFORMED,
    MEDIA_TYPE,
    NO_KEY,
    RATE_LIMIT,
    SCOPE,
    TOO_LARGE,
    TOO_LATE,
    TOO_SLOW,
    UNAVAILABLE,
    WRONG_KEY,
    ProblemError,
    ProblemKind,
    problem_body,
)
from opsctl.service.edge.asgi import Header, Headers
from opsctl.service.edge.caught import Caught
from opsctl.service.edge.gcra import Verdict
from opsctl.service.edge.headers import NOT_STORED
from opsctl.service.edge.request import Request

LONG_ADDRESS: Final = ProblemKind(
    code="SVC107",
    status=414,
    title="address too long",
    meaning="Path and query together are longer than any address of the service.",
)
LARGE_HEADERS: Final = ProblemKind(
    code="SVC108",
    status=431,
    title="headers too large",
    meaning="The request brings more headers, or longer ones, than the service reads.",
)
PREFLIGHT: Final = ProblemKind(
    code="SVC109",
    status=403,
    title="origin not allowed",
    meaning="`cors.origins` of the service book does not list the origin of this page.",
)

_KEY_DETAILS: Final = {
    "no_key": "send `Authorization: Bearer opk_...`",
    "wrong_key": "there is no such key",
    "revoked_key": "the key was revoked",
    "expired_key": "the time of the key has passed",
}


class RefusedError(ProblemError):
    """A request that the edge refuses; `reason` is one of those of `metrics.REFUSED`."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        reason: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(kind=kind, detail=detail, headers=headers or {})
        self.reason = reason


def bad_key(reason: str) -> RefusedError:
    """Return the refusal of a key that is missing or not good."""
    challenge = 'Bearer realm="opsctl"' + ("" if reason == "no_key" else ', error="invalid_token"')
    kind = NO_KEY if reason == "no_key" else WRONG_KEY
    return RefusedError(kind, _KEY_DETAILS[reason], reason=reason, headers={"WWW-Authenticate": challenge})


def keys_unavailable() -> RefusedError:
    """Return what is said of a key while the database does not answer: not that it is wrong."""
    return RefusedError(UNAVAILABLE, "the key cannot be checked at the moment", headers={"Retry-After": "1"})


def missing_scope(scope: str) -> RefusedError:
    """Return the refusal of a key that is good, but not for this."""
    challenge = f'Bearer realm="opsctl", error="insufficient_scope", scope="{scope}"'
    return RefusedError(
        SCOPE, f"the key lacks the scope `{scope}`", reason="scope", headers={"WWW-Authenticate": challenge}
    )


def rate_limited(verdict: Verdict) -> RefusedError:
    """Return the refusal of a request beyond the allowance."""
    seconds = max(1, verdict.retry_after_seconds)
    return RefusedError(
        RATE_LIMIT,
        f"one more request is allowed in {seconds} s",
        reason="rate_limit",
        headers={"Retry-After": str(seconds)},
    )


def too_large(limit_bytes: int) -> RefusedError:
    """Return the refusal of a body beyond the limit; the rest of it is not read, so the connection ends."""
    return RefusedError(
        TOO_LARGE,
        f"a body has at most {limit_bytes} bytes",
        reason="too_large",
        headers={"Connection": "close"},
    )


def too_slow(limit_seconds: float) -> RefusedError:
    """Return the refusal of a body that did not arrive in time."""
    return RefusedError(
        TOO_SLOW,
        f"a body must arrive within {limit_seconds:g} s",
        reason="too_slow",
        headers={"Connection": "close"},
    )


def broken_body() -> RefusedError:
    """Return the refusal of chunks that are none; where the next request would begin is not known."""
    return RefusedError(
        MALFORMED,
        "the chunks of the body are broken, or it ends too early",
        reason="malformed",
        headers={"Connection": "close"},
    )


def too_late(limit_seconds: float) -> RefusedError:
    """Return what is said when the API takes too long."""
    return RefusedError(TOO_LATE, f"there was no answer within {limit_seconds:g} s")


def called_off() -> RefusedError:
    """Return what is said where the answer was being made and that was called off, as when a process ends."""
    return RefusedError(UNAVAILABLE, "the making of the feed was called off", headers={"Retry-After": "1"})


def malformed(detail: str) -> RefusedError:
    """Return the refusal of a request that cannot be read."""
    return RefusedError(MALFORMED, detail, reason="malformed")


def rendered(problem: ProblemError, *, request: Request) -> tuple[bytes, Headers]:
    """Return body and headers of a problem."""
    body = problem_body(problem, instance=request.path, request_id=request.request_id.decode())
    own: Headers = [_header(name, value) for name, value in problem.headers.items()]
    return body, [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        NOT_STORED,
        *own,
    ]


def readdressed(caught: Caught, *, request: Request) -> Caught:
    """Return an answer made for somebody who asked the same: a problem names the request that it answers."""
    if dict(caught.headers).get(b"content-type") != MEDIA_TYPE.encode():
        return caught
    with suppress(orjson.JSONDecodeError):
        document = orjson.loads(caught.body)
        if isinstance(document, dict):
            body = orjson.dumps(document | {"request_id": request.request_id.decode()})
            return Caught(status=caught.status, headers=caught.headers, body=body)
    return caught


def _header(name: str, value: str) -> Header:
    return name.lower().encode("ascii"), value.encode("latin-1")
