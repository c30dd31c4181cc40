"""How is a content handled that is too large for memory: cut anew into blocks, counted and digested as it passes by."""

import hashlib
from collections.abc import Iterable, Iterator


class Tally:
    """Size and SHA-256 of what has passed by so far."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """Return the digest of what has passed by so far."""
        return self._digest.hexdigest()

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Hand the pieces on, and take note of them."""
        for piece in pieces:
            self._digest.update(piece)
            self.size_bytes += len(piece)
            yield piece


def in_blocks(pieces: Iterable[bytes], *, size_bytes: int) -> Iterator[bytes]:
    """Yield the same content in blocks of one size; the last may be smaller, and there is none without a content.

    >>> list(in_blocks([b"a", b"bcde", b"", b"fgh"], size_bytes=3))
    [b'abc', b'def', b'gh']
    """
    held = bytearray()
    for piece in pieces:
        if not held and len(piece) == size_bytes:
            yield piece
            continue
        held += piece
        while len(held) >= size_bytes:
            with memoryview(held) as view:
                block = bytes(view[:size_bytes])
            del held[:size_bytes]
            yield block
    if held:
        yield bytes(held)
