"""Under which key is each kind of entry kept, and which tags find it again."""

from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote

from opsctl.service.cache.memory import kind_of

FEED = "feed"
USER_EMBEDDING = "user_embedding"
THOMPSON = "thompson"
CONTENT_EMBEDDING = "content_embedding"
QUALITY_SCORE = "quality_score"
AGENT_SCORE = "agent_score"

# Raise a number when the meaning of what is kept changes; entries of the former one are then never looked at.
VERSIONS = {
    FEED: 1,
    USER_EMBEDDING: 1,
    THOMPSON: 1,
    CONTENT_EMBEDDING: 1,
    QUALITY_SCORE: 1,
    AGENT_SCORE: 1,
}
L1_KINDS = (FEED, USER_EMBEDDING, THOMPSON)
L2_KINDS = (CONTENT_EMBEDDING, QUALITY_SCORE, AGENT_SCORE)

_LONGEST_PART = 80


def feed(user_id: int, *, limit: int, region: str | None, category: str | None) -> str:
    """Return the key of a whole feed; a region or category that was not asked for is no part of it.

    >>> feed(42, limit=20, region="nsw", category=None)
    'feed:42:v1:20:nsw:'
    """
    return _key(FEED, user_id, str(limit), region or "", category or "")


def user_embedding(user_id: int, *, model: str) -> str:
    """Return the key of a reader's vector."""
    return _key(USER_EMBEDDING, user_id, model)


def thompson(name: str = "state") -> str:
    """Return the key of learned parameters."""
    return _key(THOMPSON, 0, name)


def content_embedding(content_id: int, *, model: str) -> str:
    """Return the key of an item's vector."""
    return _key(CONTENT_EMBEDDING, content_id, model)


def quality_score(content_id: int) -> str:
    """Return the key of an item's quality and facts."""
    return _key(QUALITY_SCORE, content_id)


def agent_score(content_id: int, *, scorer: str) -> str:
    """Return the key of what a scoring model said of an item.

    >>> agent_score(7, scorer="openai/small/p1")
    'agent_score:7:v1:openai%2Fsmall%2Fp1'
    """
    return _key(AGENT_SCORE, content_id, scorer)


def item_prefix(kind: str, content_id: int) -> str:
    """Return what all keys of an item begin with, whatever model or version they name.

    >>> item_prefix("agent_score", 7)
    'agent_score:7:'
    """
    return f"{kind}:{content_id}:"


def id_of(key: str) -> int:
    """Return the user or item that a key is about.

    >>> id_of("agent_score:7:v1:openai%2Fsmall%2Fp1")
    7
    """
    return int(key.split(":", 2)[1])


def content_tag(content_id: int) -> str:
    """Return the tag of all entries that say something of an item, feeds that hold it included."""
    return f"content-{content_id}"


def user_tag(user_id: int) -> str:
    """Return the tag of a user's feeds."""
    return f"user-{user_id}"


def reader_tag(user_id: int) -> str:
    """Return the tag of a user's vector alone: an interaction drops it and keeps the feeds."""
    return f"reader-{user_id}"


def tags_of(key: str) -> tuple[str, ...]:
    """Return the tags that follow from a key; a feed also carries those of the items in it.

    >>> tags_of("agent_score:7:v1:x"), tags_of("user_embedding:42:v1:m"), tags_of("feed:42:v1:20::")
    (('content-7',), ('reader-42',), ('user-42',))
    """
    match kind_of(key):
        case "feed":
            return (user_tag(id_of(key)),)
        case "user_embedding":
            return (reader_tag(id_of(key)),)
        case "content_embedding" | "quality_score" | "agent_score":
            return (content_tag(id_of(key)),)
        case _:
            return ()


def _key(kind: str, about: int, *parts: str) -> str:
    key = f"{kind}:{about}:v{VERSIONS[kind]}"
    return ":".join((key, *map(_part, parts))) if parts else key


# A feed asks for two hundred keys, which name one model or scorer.
@lru_cache(maxsize=4096)
def _part(text: str) -> str:
    """Return a part that is ASCII without colons; a long one becomes its hash."""
    quoted = quote(text, safe="-._~")
    if len(quoted) <= _LONGEST_PART:
        return quoted
    return f"~{blake2b(text.encode(), digest_size=16).hexdigest()}"
