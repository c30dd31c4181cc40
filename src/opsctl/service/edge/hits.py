"""Is this request one for a feed in memory, from a good key, within its limit: the short way, in one pass over the head."""

from collections.abc import Callable
from typing import Final

from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.memory import Entry
from opsctl.service.edge.answers import HIT, Answer, matches
from opsctl.service.edge.asgi import Header, Headers, Scope
from opsctl.service.edge.cells import SharedCells
from opsctl.service.edge.cors import Cors
from opsctl.service.edge.gcra import Verdict
from opsctl.service.edge.headers import accepted_request_id
from opsctl.service.edge.key_model import Grant
from opsctl.service.edge.keys import KeyCheck
from opsctl.service.edge.request import FEED_PATH, FeedQueries

FEED_SCOPE: Final = "feed:read"
MOST_HEADERS: Final = 100
_USER: Final = len(FEED_PATH)
# With fewer digits than the largest id has, every number is one.
_MOST_DIGITS: Final = 18
# Headers with a small number in them, made once: finding one costs less than making it.
_TIMINGS: Final = tuple((b"server-timing", b"edge;dur=%.2f" % (number / 100)) for number in range(200))
_AGES: Final = tuple((b"age", b"%d" % number) for number in range(600))
_RESETS: Final = tuple((b"ratelimit-reset", b"%d" % number) for number in range(600))

Hit = tuple[int, Headers, bytes, bytes, Grant]
"""Status, headers, body, request id, and whose key it was; a plain tuple, because one is made for each hit."""


class Hits:
    """Answers feeds from memory at once: every check of the long way, without what only other answers need.

    It says None to whatever is not the plain case, having changed nothing that counts; the long way then decides,
    refuses, asks or makes. What it answers is what the long way would, header for header
    (`tests/service/edge/test_hits.py`), with less of the process's time.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        memory: InvalidatedMemory,
        *,
        keys: KeyCheck,
        cells: SharedCells,
        queries: FeedQueries,
        cors: Cors,
        next_request_id: Callable[[], bytes],
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._get = memory.get
        self._keys = keys
        self._cells = cells
        self._queries = queries.remembered
        self._cors = cors
        self._next_request_id = next_request_id
        self._clock = clock
        self._now = now

    def find(self, scope: Scope, *, began: float) -> Hit | None:
        """Return the answer to a request, having counted it against the limit; None to go the long way."""
        path: str = scope["path"]
        query = self._queries.get(scope["query_string"])
        user = path[_USER:]
        if (
            query is None
            or scope["method"] != "GET"
            or path[:_USER] != FEED_PATH
            or not (user.isdigit() and user.isascii() and len(user) <= _MOST_DIGITS)
        ):
            return None
        headers: dict[bytes, bytes] = dict(scope["headers"])
        # Marks of revoked keys come with those of the caches, so they are heard before the key is looked at.
        if len(headers) > MOST_HEADERS or not self._memory.is_current:
            return None
        now = self._now()
        grant = self._keys.proven(headers.get(b"authorization", b""), now=now)
        if grant is None or FEED_SCOPE not in grant.scopes:
            return None
        # A number with leading zeros finds nothing here, and is read by the long way.
        entry = self._get(f"feed:{user}{query.key_end}")
        if entry is None or now >= entry.fresh_until:
            return None
        verdict = self._cells.take(f"u:{grant.plan}:{user}".encode(), allowance=grant.allowance)
        if not verdict.is_allowed:
            return None
        return self._answer(headers, entry, grant, verdict, began=began, age_seconds=now - entry.stored_at)

    def _answer(
        self,
        asked: dict[bytes, bytes],
        entry: Entry,
        grant: Grant,
        verdict: Verdict,
        *,
        began: float,
        age_seconds: float,
    ) -> Hit:
        answer: Answer = entry.value
        request_id = asked.get(b"x-request-id")
        if request_id is None or not accepted_request_id(request_id):
            request_id = self._next_request_id()
        if_none_match = asked.get(b"if-none-match")
        if if_none_match is not None and matches(if_none_match, answer.etag):
            status, body, fixed = 304, b"", answer.not_modified
        else:
            status, body, fixed = 200, answer.body, answer.headers
        age, reset = int(age_seconds), verdict.reset_seconds
        hundredths = round((self._clock() - began) * 100_000)
        headers: Headers = [
            *fixed,
            HIT,
            _AGES[age] if age < len(_AGES) else (b"age", b"%d" % age),
            (b"x-request-id", request_id),
            _TIMINGS[hundredths] if hundredths < len(_TIMINGS) else _timing(hundredths),
            *grant.allowance.headers,
            (b"ratelimit-remaining", b"%d" % verdict.remaining),
            _RESETS[reset] if reset < len(_RESETS) else (b"ratelimit-reset", b"%d" % reset),
        ]
        if self._cors.is_on:
            headers += self._cors.headers(asked.get(b"origin"))
        return status, headers, body, request_id, grant


def _timing(hundredths: int) -> Header:
    return b"server-timing", b"edge;dur=%.2f" % (hundredths / 100)
