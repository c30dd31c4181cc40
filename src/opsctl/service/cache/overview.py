"""What does the book say of each kind of entry, in one table?"""

from dataclasses import dataclass

from opsctl.service.cache import keys
from opsctl.service.cache.policy import CacheBook, EdgeTier, KeyValueTier, Lifetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KindPolicy:
    """The policy of one kind of entry.

    Args:
        tier: `l1` in each worker's memory, `l2` shared.
        backend: where its entries are.
        dropped_by: what removes an entry before its time.
        from_book: the fields that the book sets; the others have their defaults.
    """

    tier: str
    kind: str
    backend: str
    enabled: bool
    fresh: str
    stale_while_revalidate: str
    stale_if_error: str
    negative: str
    jitter: float
    dropped_by: str
    from_book: tuple[str, ...]


_DROPPED_BY = {
    keys.FEED: "change of an item in it",
    keys.USER_EMBEDDING: "significant interaction",
    keys.THOMPSON: "new version learned",
    keys.CONTENT_EMBEDDING: "change of the item",
    keys.QUALITY_SCORE: "change of the item",
    keys.AGENT_SCORE: "change of the item",
}


def policy_of(book: CacheBook) -> list[KindPolicy]:
    """Return the policy of every kind, L1 first."""
    return [
        *(_kind(book.l1, kind, tier="l1", backend="memory") for kind in keys.L1_KINDS),
        *(_kind(book.l2, kind, tier="l2", backend=book.l2.backend) for kind in keys.L2_KINDS),
    ]


def _kind(part: EdgeTier | KeyValueTier, kind: str, *, tier: str, backend: str) -> KindPolicy:
    lifetime: Lifetime = getattr(part, kind)
    is_set = kind in part.model_fields_set
    return KindPolicy(
        tier=tier,
        kind=kind,
        backend=backend,
        enabled=part.enabled,
        fresh=lifetime.fresh,
        stale_while_revalidate=lifetime.stale_while_revalidate,
        stale_if_error=lifetime.stale_if_error,
        negative=lifetime.negative,
        jitter=lifetime.jitter,
        dropped_by=_DROPPED_BY[kind],
        from_book=tuple(sorted(lifetime.model_fields_set)) if is_set else (),
    )
