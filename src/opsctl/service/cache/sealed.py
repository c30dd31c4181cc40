"""Is this entry of L2 whole, of this release, under its own key and still in its time?"""

import math
import struct
from hashlib import blake2b
from typing import NamedTuple

from opsctl.service.cache.codecs import CodecError

# magic, version of the layout, flags, schema, then created, fresh until, keep until in seconds of wall time.
_HEAD = struct.Struct("<2sBB8sddd")
_MAGIC = b"oC"
_LAYOUT = 1
_NEGATIVE = 0x01
_CHECKSUM_BYTES = 8
_START = _HEAD.size + _CHECKSUM_BYTES

# Clocks of machines that share L2 differ a little; beyond that an entry of the future is one of a wrong clock.
_CLOCK_SKEW_SECONDS = 60.0


class Sealed(NamedTuple):
    """An entry as it lies in L2; `payload` is None for "there is no such thing".

    A named tuple because a hundred of them are made for one feed, in a third of the time of a frozen dataclass.
    """

    payload: bytes | None
    created: float
    fresh_until: float
    keep_until: float

    def is_in_time(self, now: float, *, longest_seconds: float) -> bool:
        """Tell whether the entry may be used now.

        A clock that was set back makes entries of the future: they are refused, and no entry outlives what the
        book says today, so that nothing becomes immortal.
        """
        if self.created > now + _CLOCK_SKEW_SECONDS:
            return False
        return now < min(self.keep_until, self.created + longest_seconds)


def schema_id(kind: str, version: int, schema: str) -> bytes:
    """Return eight bytes that differ when the kind, its version or the shape of its values does."""
    return blake2b(f"{kind}\0{version}\0{schema}".encode(), digest_size=8).digest()


def seal(entry: Sealed, *, key: str, schema: bytes) -> bytes:
    """Return the bytes of an entry."""
    flags = _NEGATIVE if entry.payload is None else 0
    head = _HEAD.pack(_MAGIC, _LAYOUT, flags, schema, entry.created, entry.fresh_until, entry.keep_until)
    payload = entry.payload or b""
    return b"".join((head, _checksum(key, head, payload), payload))


def unseal(data: bytes, *, key: str, schema: bytes) -> Sealed:
    """Return the entry of these bytes.

    Raises:
        CodecError: they are damaged, cut off, of another release, or were written under another key.
    """
    if len(data) < _START:
        raise CodecError("the entry is cut off")
    head, payload = data[: _HEAD.size], data[_START:]
    if data[_HEAD.size : _START] != _checksum(key, head, payload):
        raise CodecError("the checksum is wrong")
    magic, layout, flags, found, created, fresh_until, keep_until = _HEAD.unpack(head)
    if (magic, layout, found) != (_MAGIC, _LAYOUT, schema):
        raise CodecError("the entry has another schema")
    if not math.isfinite(created + fresh_until + keep_until):
        raise CodecError("the entry's times are no times")
    return Sealed(None if flags & _NEGATIVE else payload, created, fresh_until, keep_until)


def _checksum(key: str, head: bytes, payload: bytes) -> bytes:
    # Eight bytes of BLAKE2b, about a microsecond for a vector of 128: a CRC of four bytes lets one damaged entry in
    # 4e9 pass, and one that covers no key serves an entry that was written under another.
    whole = b"".join((key.encode(), b"\0", head, payload))
    return blake2b(whole, digest_size=_CHECKSUM_BYTES).digest()
