"""What does an error look like on the wire: one shape (RFC 9457) and one list of codes, for the API and the edge.

Standard library and orjson only: the edge, which is free of frameworks, answers with it too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import orjson

MEDIA_TYPE: Final = "application/problem+json"

_MOST_ERRORS: Final = 20
_LONGEST_TEXT: Final = 300
_LONGEST_INSTANCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One kind of problem; `meaning` is what the documentation says of it."""

    code: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """Return the address of its explanation, relative to the service."""
        return f"/docs#{self.code.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one part of a request: a `pointer` into the body (RFC 6901) or the name of a parameter."""

    message: str
    pointer: str | None = None
    parameter: str | None = None

    def document(self) -> dict[str, str]:
        """Return it as it is sent."""
        found = {"message": _short(self.message, _LONGEST_TEXT)}
        if self.pointer is not None:
            found["pointer"] = _short(self.pointer, _LONGEST_INSTANCE)
        if self.parameter is not None:
            found["parameter"] = _short(self.parameter, _LONGEST_INSTANCE)
        return found


def _kind(code: str, status: int, title: str, meaning: str) -> ProblemKind:
    return ProblemKind(code=code, status=status, title=title, meaning=meaning)


# Raised by the API.
MALFORMED = _kind(
    "SVC001",
    400,
    "malformed request",
    "The request cannot be read: broken JSON, invalid UTF-8, a broken header, broken chunks.",
)
INVALID = _kind(
    "SVC002",
    400,
    "invalid request",
    "The request does not keep to the contract of `/openapi.json`: a wrong type, a value out of bounds, an unknown "
    "field or parameter. `errors` names every place. The same request never succeeds.",
)
UNKNOWN_CHOICE = _kind(
    "SVC003",
    422,
    "unknown region or category",
    "Well formed, but nothing in the catalogue is of this region or category.",
)
UNKNOWN_VENDOR = _kind("SVC004", 422, "unknown vendor", "Well formed, but there is no vendor of this id.")
OUT_OF_WINDOW = _kind(
    "SVC005",
    422,
    "interaction out of window",
    "Well formed, but `occurred_at` lies in the future or too far in the past; nothing of the batch was recorded.",
)
NO_CONTENT_ITEM = _kind("SVC006", 404, "no such content", "There is no item of this id.")
NO_PATH = _kind("SVC007", 404, "no such path", "The service has no such path.")
METHOD = _kind(
    "SVC008", 405, "method not allowed", "The path is right, the method is not; `Allow` lists those it has."
)
MEDIA = _kind(
    "SVC009",
    415,
    "unsupported media type",
    "Bodies are `application/json` in UTF-8, without `Content-Encoding`.",
)

# Raised by the edge, before the API sees anything.
NO_KEY = _kind("SVC101", 401, "no key", "The request carries no `Authorization: Bearer opk_...`.")
WRONG_KEY = _kind(
    "SVC102", 401, "wrong key", "There is no such key, or it was revoked, or its time has passed."
)
SCOPE = _kind(
    "SVC103", 403, "not in the scope of the key", "The key is good, but not for this method and path."
)
RATE_LIMIT = _kind(
    "SVC104", 429, "too many requests", "The plan of the key allows no more for now; `Retry-After` says when."
)
TOO_LARGE = _kind("SVC105", 413, "body too large", "The body is larger than the service takes.")
TOO_SLOW = _kind("SVC106", 408, "body too slow", "The body did not arrive in time.")

# The service is at fault; asking again later may help.
INTERNAL = _kind(
    "SVC201", 500, "internal error", "A defect of the service; its log has more under the request id."
)
UNAVAILABLE = _kind(
    "SVC202",
    503,
    "unavailable",
    "Something that the answer needs (database, vectors) is not there, its making was called off, or there was no room"
    " for batch work (`Priority: u=7`).",
)
EMPTY_FEED = _kind(
    "SVC203",
    503,
    "empty feed",
    "No item was found although the catalogue has some that fit; this is a failure.",
)
NOT_READY = _kind(
    "SVC204", 503, "not ready", "The service cannot do its work yet; `dependencies` has the reasons."
)
TOO_LATE = _kind("SVC205", 504, "no answer in time", "The answer took longer than a request may.")

ALL: Final[tuple[ProblemKind, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, ProblemKind)
)


@dataclass(slots=True, kw_only=True, eq=False)
class ProblemError(Exception):
    """A request that is answered with a problem.

    Args:
        detail: one sentence about this occurrence; never a value that the client sent.
        headers: sent along, such as `Retry-After`.
        extra: further members of the document.
    """

    kind: ProblemKind
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind.code} {self.kind.title}: {self.detail}"


def problem_body(problem: ProblemError, *, instance: str, request_id: str) -> bytes:
    """Return a problem as the bytes of a body; `instance` is the path of the request, which is cut when long."""
    kind = problem.kind
    document: dict[str, object] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": _short(problem.detail, _LONGEST_TEXT),
        "instance": _short(_visible(instance), _LONGEST_INSTANCE),
        "code": kind.code,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = [error.document() for error in problem.errors[:_MOST_ERRORS]]
    return orjson.dumps(document | dict(problem.extra))


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _visible(text: str) -> str:
    """Escape what is no part of a URI reference, lone surrogates included."""
    return quote(text[:_LONGEST_INSTANCE], safe="/%:@!$&'()*+,;=-._~", errors="replace")
