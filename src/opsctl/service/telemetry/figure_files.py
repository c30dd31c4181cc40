"""What stands in the file of one worker: the keys and where their numbers are, which never move once they are there.

prometheus-client maps these files into memory (`prometheus_client.mmap_dict`): four bytes say how much is used; then
for each key its length, itself, blanks up to a multiple of eight, its number, and when it was set. Reading them anew for
each scrape costs ten times what the numbers alone cost, so the keys are remembered.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

_BEGIN = 8
_LENGTH = struct.Struct("i")
_NUMBERS_BYTES = 16


class FigureFile:
    """One file.

    Args:
        path: `counter_PID.db`, `histogram_PID.db` or `gauge_MODE_PID.db`.

    Attributes:
        keys: as they stand there: JSON of metric, sample, labels and help.
        places: of the number of each key, counted in doubles; when it was set stands behind it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kind = path.stem.rpartition("_")[0]
        self.keys: list[str] = []
        self.places: list[int] = []
        self._identity = 0
        self._known_bytes = _BEGIN

    def read(self) -> "memoryview[float]":
        """Return the numbers as they are now, after learning what keys are new; none of a file that is gone."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return self._forgotten()
        try:
            identity = os.fstat(descriptor).st_ino
            data = _used(descriptor)
        finally:
            os.close(descriptor)
        if identity != self._identity or len(data) < self._known_bytes:
            self._forgotten()
            self._identity = identity
        for key, end in _entries(data, begin=self._known_bytes):
            self.keys.append(key)
            self.places.append((end - _NUMBERS_BYTES) // 8)
            self._known_bytes = end
        return memoryview(data).cast("d")

    def _forgotten(self) -> "memoryview[float]":
        self.keys, self.places, self._known_bytes = [], [], _BEGIN
        return memoryview(b"").cast("d")


def _used(descriptor: int) -> bytes:
    """Return the part that is used, in whole doubles; nothing of a file that was made this moment."""
    head = os.pread(descriptor, _LENGTH.size, 0)
    used = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    data = os.pread(descriptor, max(0, used), 0)
    return data[: len(data) // 8 * 8]


def _entries(data: bytes, *, begin: int) -> Iterator[tuple[str, int]]:
    """Return each key with where its entry ends; what is cut short is not there yet."""
    at = begin
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        end = at + _LENGTH.size + length + (8 - (length + _LENGTH.size) % 8) + _NUMBERS_BYTES
        if length < 0 or end > len(data):
            return
        key = data[at + _LENGTH.size : at + _LENGTH.size + length]
        yield key.decode("utf-8"), end
        at = end
