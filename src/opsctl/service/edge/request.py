"""What does a request ask: route, user and feed key, read once from the head and kept for the answer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from opsctl.service.cache import keys
from opsctl.service.edge.asgi import Scope
from opsctl.service.edge.headers import BATCH_PRIORITY

if TYPE_CHECKING:
    from opsctl.service.edge.gcra import Verdict
    from opsctl.service.edge.key_model import Grant

FEED_PATH = "/v1/feed/"
_CONTENT_PATH = "/v1/content/"
_ROUTES = {
    "/v1/interactions": "interactions",
    "/v1/trending": "trending",
    "/healthz": "health",
    "/readyz": "ready",
    "/metrics": "metrics",
    "/openapi.json": "docs",
    "/docs": "docs",
}
_OPEN_ROUTES = frozenset({"health", "ready", "docs"})
_LARGEST_ID = 2**63 - 1
_LONGEST_CHOICE = 100
# There are few different queries and many requests; a flood of made-up ones must not fill the memory.
_MOST_QUERIES = 4096


class Request:
    """One request, and what is found out about it on the way; mutable and made once, because this path is hot.

    Attributes:
        user_id: of a feed's path; None where there is none, or none that the edge understands.
        user_text: the same as it stands in the path.
        headers: by name; of a header that came twice, the last.
    """

    __slots__ = (
        "began",
        "cache",
        "grant",
        "headers",
        "method",
        "path",
        "query",
        "refused",
        "request_id",
        "route",
        "scope",
        "span_id",
        "trace_id",
        "user_id",
        "user_text",
        "verdict",
    )

    def __init__(self, scope: Scope, *, began: float) -> None:
        self.scope = scope
        self.began = began
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.user_id: int | None = None
        self.user_text = ""
        self.route = self._find_route()
        self.request_id = b""
        self.trace_id = ""
        self.span_id = ""
        self.cache = ""
        self.grant: Grant | None = None
        self.verdict: Verdict | None = None
        self.refused: str | None = None

    @property
    def is_batch(self) -> bool:
        """Tell whether the client says that nobody waits for the answer."""
        return self.headers.get(b"priority") == BATCH_PRIORITY

    @property
    def is_open(self) -> bool:
        """Tell whether this route answers without a key."""
        return self.route in _OPEN_ROUTES

    @property
    def needed_scope(self) -> str | None:
        """Return the scope that the key must have; None where any good key will do."""
        match self.route:
            case "feed" | "trending":
                return "feed:read"
            case "interactions":
                return "interactions:write"
            case "content":
                return "content:read" if self.method in {"GET", "HEAD"} else "content:write"
            case _:
                return None

    def _find_route(self) -> str:
        path = self.path
        if path.startswith(FEED_PATH):
            self._read_user(path[len(FEED_PATH) :])
            return "feed"
        if path.startswith(_CONTENT_PATH):
            return "content"
        return _ROUTES.get(path, "other")

    def _read_user(self, text: str) -> None:
        # As the API reads it: one user has one limit and one feed, however many zeros a client writes before the id.
        text = text.lstrip("0") or text[-1:]
        # isdigit alone would let other alphabets' digits pass.
        if len(text) <= 19 and text.isascii() and text.isdigit():
            user_id = int(text)
            if user_id <= _LARGEST_ID:
                self.user_id = user_id
                self.user_text = str(user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """A feed's query that the edge understands: the one way to write it, and what it adds to the key of a user."""

    text: bytes
    key_end: str

    def key(self, user_text: str) -> str:
        """Return the key of the feed of a user."""
        return f"feed:{user_text}{self.key_end}"


class FeedQueries:
    """Reads feed queries and remembers what it has read.

    Order and defaults do not matter, so equal requests share an answer. None stands for whatever the edge does
    not understand, which is the API's to answer and is not cached.
    """

    def __init__(self, *, most_items: int, default_items: int) -> None:
        self._most_items = most_items
        self._default_items = default_items
        self.remembered: dict[bytes, FeedQuery | None] = {}

    def read(self, query: bytes) -> FeedQuery | None:
        """Return what is asked."""
        try:
            return self.remembered[query]
        except KeyError:
            if len(self.remembered) >= _MOST_QUERIES:
                self.remembered.clear()
            found = self.remembered[query] = read_feed_query(
                query, most_items=self._most_items, default_items=self._default_items
            )
            return found


def read_feed_query(query: bytes, *, most_items: int, default_items: int) -> FeedQuery | None:
    """Return what a query asks of a feed, or None where it is not a valid one."""
    values = _pairs(query)
    if values is None or not values.keys() <= {"limit", "region", "category"}:
        return None
    limit = values.get("limit", str(default_items))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 1 <= int(limit) <= most_items):
        return None
    values["limit"] = str(int(limit))
    if not all(_is_choice(values[name]) for name in ("region", "category") if name in values):
        return None
    text = urlencode([(name, values[name]) for name in ("limit", "region", "category") if name in values])
    whole = keys.feed(0, limit=int(limit), region=values.get("region"), category=values.get("category"))
    return FeedQuery(text=text.encode("ascii"), key_end=whole.removeprefix("feed:0"))


def _pairs(query: bytes) -> dict[str, str] | None:
    """Return the parameters; None where the query cannot be read, or names one twice."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
            max_num_fields=3,
        )
    except ValueError:  # UnicodeDecodeError is one
        return None
    values = dict(pairs)
    return values if len(values) == len(pairs) else None


def _is_choice(value: str) -> bool:
    return 0 < len(value) <= _LONGEST_CHOICE and value.isprintable() and value == value.strip()
