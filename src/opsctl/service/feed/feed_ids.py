"""How is a feed named: an id that sorts by time, is made without asking anybody, and seeds the feed's chance."""

import hashlib
from uuid import UUID


def make_feed_id(*, now_seconds: float, random_bytes: bytes) -> str:
    """Return a UUID of version 7 (RFC 9562): 48 bits of milliseconds, then ten bytes of chance.

    >>> make_feed_id(now_seconds=0.001, random_bytes=bytes(10))
    '00000000-0001-7000-8000-000000000000'
    """
    if len(random_bytes) != 10:
        raise ValueError(f"a feed id takes 10 random bytes, not {len(random_bytes)}")
    octets = bytearray(round(now_seconds * 1000).to_bytes(6, "big") + random_bytes)
    octets[6] = 0x70 | octets[6] & 0x0F
    octets[8] = 0x80 | octets[8] & 0x3F
    return str(UUID(bytes=bytes(octets)))


def seed_of(feed_id: str) -> int:
    """Return the seed of everything that is random in this feed: 63 bits, as the database can keep them."""
    return int.from_bytes(hashlib.sha256(feed_id.encode()).digest()[:8], "big") >> 1
