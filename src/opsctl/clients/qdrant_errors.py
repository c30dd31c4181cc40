"""What went wrong when the vector database was asked: every foreign error as an OpsError."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opsctl.core.errors import FailedError, NotReadyError, OpsError

TRANSIENT_CODES = frozenset({"COL001", "COL002", "COL004"})
"""Codes after which the same request may succeed a moment later."""

_FIX_REACH = "run `opsctl stack status`, or check `qdrant.url` with `opsctl config show`"


def is_transient(error: OpsError) -> bool:
    """Tell whether the same request may succeed a moment later."""
    return error.code in TRANSIENT_CODES


def unreachable(url: str, *, doing: str, why: str) -> NotReadyError:
    """Return the error for a server that is not there."""
    return NotReadyError(f"cannot {doing}: `{url}` does not answer", code="COL001", why=why, fix=_FIX_REACH)


def timed_out(url: str, *, doing: str) -> NotReadyError:
    """Return the error for an answer that came too late."""
    return NotReadyError(
        f"cannot {doing}: `{url}` took too long",
        code="COL002",
        why="no answer within `qdrant.timeout_seconds`",
        fix="look at the server's load, or set a longer `qdrant.timeout_seconds`",
    )


def not_qdrant(url: str, *, doing: str, why: str) -> FailedError:
    """Return the error for an answer that Qdrant would not give."""
    return FailedError(
        f"cannot {doing}: the answer of `{url}` is not Qdrant's",
        code="COL008",
        why=why,
        fix="check that `qdrant.url` is the REST address of a Qdrant server: `opsctl config show`",
    )


def refused(status: int, body: bytes, *, doing: str, url: str) -> OpsError:
    """Return the error for an HTTP status that is not a success, with the server's own words."""
    words = _server_words(body) or f"HTTP {status}"
    match status:
        case 401 | 403:
            return _unauthorized(url, doing=doing, why=words)
        case 404:
            return FailedError(f"cannot {doing}: it is not there", code="COL006", why=words, fix=_FIX_LIST)
        case 507:
            return NotReadyError(
                f"cannot {doing}: the vector database has no room left",
                code="COL007",
                why=words,
                fix="free disk space on the server, then run the same command again",
            )
        case 408 | 429:
            return _busy(url, doing=doing, why=words)
        case _ if status >= 500:
            return _busy(url, doing=doing, why=words)
        case _:
            return FailedError(
                f"cannot {doing}: the vector database refused", code="COL005", why=words, fix=_FIX_WORDS
            )


@contextmanager
def translated(url: str, *, doing: str) -> Iterator[None]:
    """Turn what qdrant-client raises inside the block into an OpsError; `doing` such as `list the aliases`."""
    from qdrant_client.common.client_exceptions import QdrantException
    from qdrant_client.http.exceptions import ApiException

    try:
        yield
    except (ApiException, QdrantException) as error:
        raise _from_client(error, url=url, doing=doing) from error
    except (AssertionError, ValueError) as error:
        # qdrant-client asserts that answers are there, and that error documents are JSON.
        raise not_qdrant(url, doing=doing, why=str(error).partition("\n")[0]) from error
    except Exception as error:
        # grpc costs 100 ms to import; its errors are known by the method that only they have.
        if not callable(getattr(error, "code", None)):
            raise
        raise _from_grpc(error, url=url, doing=doing) from error


_FIX_LIST = "run `opsctl collections status` to see what is there"
_FIX_WORDS = "change what the server names, then run the same command again"


def _from_client(error: Exception, *, url: str, doing: str) -> OpsError:
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    if isinstance(error, UnexpectedResponse):
        return refused(error.status_code or 500, error.content, doing=doing, url=url)
    if isinstance(error, ResponseHandlingException):
        return _from_transport(error.source, url=url, doing=doing)
    return _busy(url, doing=doing, why=str(error))


def _from_transport(source: Exception, *, url: str, doing: str) -> OpsError:
    import httpx

    if isinstance(source, httpx.TimeoutException):
        return timed_out(url, doing=doing)
    if isinstance(source, httpx.HTTPError):
        return unreachable(url, doing=doing, why=str(source) or type(source).__name__)
    return not_qdrant(url, doing=doing, why=str(source).partition("\n")[0])


def _from_grpc(error: Any, *, url: str, doing: str) -> OpsError:
    words = str(getattr(error, "details", lambda: "")() or error)
    match error.code().name:
        case "UNAVAILABLE" | "CANCELLED":
            return unreachable(url, doing=doing, why=words)
        case "DEADLINE_EXCEEDED":
            return timed_out(url, doing=doing)
        case "UNAUTHENTICATED" | "PERMISSION_DENIED":
            return _unauthorized(url, doing=doing, why=words)
        case "NOT_FOUND":
            return FailedError(f"cannot {doing}: it is not there", code="COL006", why=words, fix=_FIX_LIST)
        case "RESOURCE_EXHAUSTED" | "INTERNAL" | "ABORTED" | "UNKNOWN":
            return _busy(url, doing=doing, why=words)
        case _:
            return FailedError(
                f"cannot {doing}: the vector database refused", code="COL005", why=words, fix=_FIX_WORDS
            )


def _unauthorized(url: str, *, doing: str, why: str) -> NotReadyError:
    return NotReadyError(
        f"cannot {doing}: `{url}` does not accept the API key",
        code="COL003",
        why=why,
        fix="set `OPSCTL_QDRANT_API_KEY`, or `qdrant.api_key_file` in opsctl.yaml",
    )


def _busy(url: str, *, doing: str, why: str) -> NotReadyError:
    return NotReadyError(
        f"cannot {doing}: `{url}` is failing or busy",
        code="COL004",
        why=why,
        fix="look at the server's log, then run the same command again",
    )


def _server_words(body: bytes) -> str:
    try:
        status = json.loads(body)["status"]
        return str(status["error"]) if isinstance(status, dict) else str(status)
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip()
