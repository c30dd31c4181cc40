"""How does a library that pumps bytes from a reader into a writer become something to iterate over?"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from threading import Condition, Thread
from typing import Protocol

# How much is taken for the pump before it is waited for; its own thread works on that meanwhile.
_MOST_BYTES = 4 * 1024 * 1024


class Reader(Protocol):
    """What a pump reads from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


class Writer(Protocol):
    """What a pump writes into."""

    def write(self, data: bytes, /) -> int:
        """Take bytes, and return how many."""
        ...

    def flush(self) -> None:
        """Do nothing."""
        ...


class PumpError(Exception):
    """The pump raised what stands as the cause; errors of the source are never wrapped."""


def pumped(pieces: Iterable[bytes], *, pump: Callable[[Reader, Writer], object]) -> Iterator[bytes]:
    """Yield what `pump` writes while it reads the pieces.

    The pump has a thread of its own. Pieces are taken by the caller's, so an error of theirs goes through as it is, and
    Ctrl-C is heard. What waits in between is bounded, for a pump that writes about as much as it reads. When nobody
    wants more, the pump's next read fails, and its thread ends.

    Raises:
        PumpError: the pump raised an error.
    """
    inlet, outlet, failed = _Pipe(), _Pipe(), list[BaseException]()

    def work() -> None:
        try:
            pump(inlet, outlet)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failed.append(error)
        finally:
            inlet.close()
            outlet.end()

    thread = Thread(target=work, name="pump", daemon=True)
    thread.start()
    try:
        for piece in pieces:
            if not inlet.offer(piece):
                break  # the pump has ended
            yield from outlet.waiting()
        inlet.end()
        while piece := outlet.read():
            yield piece
        if failed:
            raise PumpError(str(failed[0])) from failed[0]
    finally:
        inlet.close()
        thread.join()


class _ClosedError(Exception):
    """Nobody is at the other end."""


class _Pipe:
    """Bytes on their way between two threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._pieces: deque[memoryview] = deque()
        self._held = 0
        self._has_ended = False
        self._is_closed = False

    def offer(self, piece: bytes) -> bool:
        """Put a piece in, waiting for room; False when nobody reads any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._held < _MOST_BYTES or self._is_closed)
            if self._is_closed:
                return False
            self._append(piece)
            return True

    def write(self, data: bytes, /) -> int:
        """Put bytes in without waiting: the thread that reads them is the one that waits for room in the other pipe."""
        with self._changed:
            self._append(bytes(data))
            return len(data)

    def flush(self) -> None:
        """Do nothing: what is written can be read at once."""

    def read(self, size: int = -1, /) -> bytes:
        """Take up to `size` bytes, waiting for some; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._has_ended or self._is_closed)
            if self._is_closed:
                raise _ClosedError
            if not self._pieces:
                return b""
            first = self._pieces.popleft()
            if 0 <= size < len(first):
                self._pieces.appendleft(first[size:])
                first = first[:size]
            self._held -= len(first)
            self._changed.notify_all()
            return bytes(first)

    def waiting(self) -> Iterator[bytes]:
        """Yield what is there, without waiting for more."""
        while self._pieces:
            yield self.read()

    def end(self) -> None:
        """Say that nothing more comes."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Say that nothing more is wanted."""
        with self._changed:
            self._is_closed = True
            self._pieces.clear()
            self._changed.notify_all()

    def _append(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(memoryview(piece))
            self._held += len(piece)
            self._changed.notify_all()
