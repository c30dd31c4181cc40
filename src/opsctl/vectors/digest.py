"""Do two collections hold the same points: a digest of ids and payloads that does not depend on their order."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from opsctl.vectors.search import PointId

_BITS = 128
_MODULUS = 1 << _BITS


@dataclass(slots=True)
class SetDigest:
    """The sum, modulo 2^128, of a 128-bit hash of every point, and how many there are.

    A sum does not depend on the order, can be added up from parts, and lets a point be taken out again.
    It finds accidents, not adversaries: somebody who may choose payloads could make two sets collide.
    """

    _total: int = 0
    count: int = 0

    def add(self, fingerprint: int) -> None:
        """Take a point in, by its fingerprint."""
        self._total = (self._total + fingerprint) % _MODULUS
        self.count += 1

    def remove(self, fingerprint: int) -> None:
        """Take a point out again, by its fingerprint."""
        self._total = (self._total - fingerprint) % _MODULUS
        self.count -= 1

    def merge(self, other: "SetDigest") -> None:
        """Take in all points of another digest."""
        self._total = (self._total + other._total) % _MODULUS  # noqa: SLF001 - its own kind
        self.count += other.count

    @property
    def hex(self) -> str:
        """Return the digest as text; two sets of the same points give the same."""
        return f"{self._total:032x}"


def fingerprint(point_id: PointId, payload: Mapping[str, Any] | None) -> int:
    """Return the 128-bit hash of a point: its id and its payload in canonical JSON.

    >>> fingerprint(1, {"a": 1, "b": 2}) == fingerprint(1, {"b": 2, "a": 1})
    True
    >>> fingerprint(1, {}) == fingerprint("1", {})
    False
    """
    # A number and a text never share a prefix, so that the point 1 and a point "1" differ.
    kind = b"i" if isinstance(point_id, int) else b"s"
    content = orjson.dumps(payload or {}, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    data = b"%b%b\0%b" % (kind, str(point_id).encode(), content)
    return int.from_bytes(hashlib.blake2b(data, digest_size=_BITS // 8).digest(), "big")
