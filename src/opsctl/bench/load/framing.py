"""How do a load's processes talk: pickled messages, each behind its length, over the pipes of parent and child."""

import pickle  # between a process and its own child
import struct
from collections.abc import Iterator

_LENGTH = struct.Struct("!I")


def packed(message: object) -> bytes:
    """Return a message as it goes over a pipe."""
    text = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(text)) + text


class Unpacker:
    """Puts messages together from the pieces that a pipe gives."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[object]:
        """Yield every message that is whole now."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._buffer)
            end = _LENGTH.size + size
            if len(self._buffer) < end:
                return
            message = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield pickle.loads(message)  # noqa: S301 - written by our own child, or by the process that started us
