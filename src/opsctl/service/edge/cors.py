"""Which web pages may call the service from a browser: the origins of the book, letter by letter, and no others."""

from collections.abc import Iterable

from opsctl.service.edge.asgi import Header
from opsctl.service.edge.request import Request

_EXPOSED = (
    b"age, cache-tag, etag, ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, "
    b"retry-after, server-timing, x-cache, x-request-id"
)
_VARY: Header = (b"vary", b"origin")


class Cors:
    """Answers for origins; compared whole, so neither `null` nor a name that merely ends or begins alike passes."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._allowed: dict[bytes, tuple[Header, ...]] = {
            origin.encode(): (
                (b"access-control-allow-origin", origin.encode()),
                (b"access-control-expose-headers", _EXPOSED),
                _VARY,
            )
            for origin in origins
            if origin != "null"
        }
        self.is_on = bool(self._allowed)

    def headers(self, origin: bytes | None) -> tuple[Header, ...]:
        """Return what an answer carries; `Vary` always, for caches must not give it to another origin."""
        if origin is None or origin not in self._allowed:
            return (_VARY,)
        return self._allowed[origin]

    def allows(self, origin: bytes) -> bool:
        """Tell whether the book lists the origin."""
        return origin in self._allowed

    def is_preflight(self, request: Request) -> bool:
        """Tell whether a browser asks beforehand."""
        return (
            self.is_on
            and request.method == "OPTIONS"
            and b"origin" in request.headers
            and b"access-control-request-method" in request.headers
        )

    @staticmethod
    def preflight_headers() -> tuple[Header, ...]:
        """Return what a preflight of an allowed origin is told, the same for all paths."""
        return (
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE"),
            (
                b"access-control-allow-headers",
                b"authorization, content-type, if-none-match, traceparent, x-request-id",
            ),
            (b"access-control-max-age", b"600"),
        )
