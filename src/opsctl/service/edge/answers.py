"""Which answers of the API are kept, and what is sent for them: bytes and header lists, made once."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from opsctl.service.cache.policy import Lifetime
from opsctl.service.edge.asgi import Header, Headers
from opsctl.service.edge.caught import Caught
from opsctl.service.edge.headers import SECURITY

_TAG: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_NOT_STORED: Final = re.compile(rb"\bno-store\b", re.IGNORECASE)
# RFC 9110, 5.5: no header may hold these; a line break would begin another one.
_CONTROL: Final = re.compile(rb"[\x00\r\n]")
_JSON: Final = b"application/json"
# What the edge says itself, or what belongs to one connection (RFC 9110, 7.6.1).
_OWN: Final = frozenset(
    {
        b"age",
        b"cache-control",
        b"connection",
        b"content-length",
        b"date",
        b"etag",
        b"keep-alive",
        b"server",
        b"server-timing",
        b"transfer-encoding",
        b"vary",
        b"x-cache",
        b"x-request-id",
    }
)
_PASSED: Final = frozenset({b"cache-control", b"content-length", b"etag", b"vary", b"x-cache"})
# Headers that are the same in thousands of answers are kept once.
_MOST_SHARED: Final = 1024
_shared: dict[Header, Header] = {}
# Bytes of CPython 3.11 beside body, etag and tags: the answer, its tuples and the places in them, two tuples and
# objects of bytes of its own (tests/service/edge/test_answers.py holds the sum to the truth).
_ANSWER_BYTES: Final = 900

_ASK_AGAIN: Final[tuple[Header, ...]] = ((b"cache-control", b"private, max-age=0, must-revalidate"),)

# A reason for a lower tier that will not pass: it is as good as any.
_EXERCISE: Final = b"exercise"

HIT: Final[Header] = (b"x-cache", b"HIT-L1")
STALE: Final[Header] = (b"x-cache", b"STALE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A feed's answer that may be given to everybody who asks the same.

    Args:
        headers: of an answer from memory, all but those that differ from request to request.
        not_modified: the same for a 304: those that RFC 9110, 15.4.5 asks for.
        is_stand_in: a lower tier made it because something was wrong.
    """

    body: bytes
    etag: bytes
    headers: tuple[Header, ...]
    not_modified: tuple[Header, ...]
    tags: tuple[str, ...]
    is_stand_in: bool = False

    @property
    def size_bytes(self) -> int:
        """Return about how much memory it takes; the strings of the tags are the index's, which counts them."""
        return len(self.body) + sum(len(tag) + 1 for tag in self.tags) + 2 * len(self.etag) + _ANSWER_BYTES


def storable(caught: Caught, *, cache_headers: tuple[Header, ...]) -> Answer | None:
    """Return the answer to keep; None for one that is not a good, whole, tagged feed that may be shared."""
    headers = dict(caught.headers)
    tags = _tags(headers.get(b"cache-tag"))
    if (
        caught.status != 200
        or not caught.body
        or not tags
        or not headers.get(b"content-type", b"").startswith(_JSON)
        or b"set-cookie" in headers
        or _NOT_STORED.search(headers.get(b"cache-control", b""))
    ):
        return None
    etag = b'"%s"' % blake2b(caught.body, digest_size=16).hexdigest().encode()
    kept = [_share(header) for header in _clean(caught.headers) if header[0] not in _OWN]
    validators: Headers = [(b"etag", etag), *cache_headers]
    tag_headers: Headers = [header for header in kept if header[0] == b"cache-tag"]
    return Answer(
        body=caught.body,
        etag=etag,
        headers=(*kept, (b"content-length", b"%d" % len(caught.body)), *validators, *_missing(kept)),
        not_modified=(*validators, *tag_headers, *SECURITY),
        tags=tags,
        is_stand_in=is_made_by_lower_tier(caught.headers),
    )


def is_made_by_lower_tier(headers: Headers) -> bool:
    """Tell whether a lower tier made a feed for a reason that will pass."""
    return any(name == b"x-feed-reason" and value != _EXERCISE for name, value in headers)


def passed_on(headers: Headers) -> Headers:
    """Return the headers of an answer that is not kept, without those that the edge says itself."""
    kept = [header for header in _clean(headers) if header[0] not in _OWN or header[0] in _PASSED]
    if not any(name == b"cache-control" for name, _value in kept):
        kept.append((b"cache-control", b"no-store"))
    return [*kept, *_missing(kept)]


def cache_headers(lifetime: Lifetime, *, fresh_seconds: float, is_shared: bool) -> tuple[Header, ...]:
    """Return what caches behind us, such as a CDN's or a browser's, may do with a feed.

    By default each of them asks again, and gets a 304 where nothing has changed. With `shared_caches` one copy is
    kept for each API key, under the same lifetimes as ours; `Cache-Tag` lets it be dropped in time.
    """
    if not is_shared:
        return _ASK_AGAIN
    control = b"max-age=0, s-maxage=%d, stale-while-revalidate=%d, stale-if-error=%d" % (
        fresh_seconds,
        lifetime.stale_seconds,
        lifetime.error_seconds,
    )
    return ((b"cache-control", control), (b"vary", b"authorization"))


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Tell whether a client has this answer already (weak comparison, RFC 9110, 13.1.2)."""
    if if_none_match.strip() == b"*":
        return True
    return any(part.strip().removeprefix(b"W/") == etag for part in if_none_match.split(b","))


def _clean(headers: Headers) -> Headers:
    """Return the headers without those that would break the answer, should the API have repeated what a client sent."""
    return [(name.lower(), value) for name, value in headers if not _CONTROL.search(value)]


def _share(header: Header) -> Header:
    """Return the one object for a header that other answers have as well; tags are never the same."""
    if header[0] == b"cache-tag":
        return header
    if len(_shared) >= _MOST_SHARED:
        _shared.clear()
    return _shared.setdefault(header, header)


def _missing(kept: Headers) -> Headers:
    names = {name for name, _value in kept}
    return [header for header in SECURITY if header[0] not in names]


def _tags(value: bytes | None) -> tuple[str, ...]:
    if value is None:
        return ()
    tags = tuple(tag.strip() for tag in value.decode("latin-1").split(","))
    return tags if all(_TAG.fullmatch(tag) for tag in tags) else ()
