"""The journal of writes: what the optimiser's result must catch up with, or else it is not adopted."""

import errno
import io
from pathlib import Path

import pytest

from opsctl.stack.vector_node.frames import Frame, pack
from opsctl.stack.vector_node.journal import append_frame, read_journal, require_whole

_FRAMES = [Frame(number=0, head={"op": "upsert", "args": {}}, body=bytes([number]) * 50) for number in (1, 2)]


class ShortFile(io.BytesIO):
    """A raw file on a disk that is nearly full: it takes a part and says so, without an error."""

    def write(self, data: object) -> int:
        """Take the first ten bytes."""
        return super().write(bytes(data)[:10])  # type: ignore[call-overload]


def test_frames_come_back_as_they_were_appended(tmp_path: Path) -> None:
    """Each with the offset behind it, so that a reader can go on from there."""
    path = tmp_path / "journal"
    with path.open("wb", buffering=0) as journal:
        for frame in _FRAMES:
            append_frame(journal, frame)

    found = list(read_journal(path, offset=0))
    rest = list(read_journal(path, offset=found[0][1]))

    assert [frame for frame, _end in found] == _FRAMES
    assert rest == found[1:]
    require_whole(path, read=found[1][1])


def test_a_write_that_was_cut_short_is_an_error() -> None:
    """A raw write may take a part of the data without an error; the write it holds would be lost."""
    with pytest.raises(OSError, match="No space left") as caught:
        append_frame(ShortFile(), _FRAMES[0])

    assert caught.value.errno == errno.ENOSPC


def test_a_journal_with_a_torn_end_is_refused(tmp_path: Path) -> None:
    """Half a frame is left for later by a reader, but nothing may be adopted without it."""
    path = tmp_path / "journal"
    whole, torn = pack(_FRAMES[0]), pack(_FRAMES[1])[:-1]
    path.write_bytes(whole + torn)

    ((_frame, end),) = read_journal(path, offset=0)

    with pytest.raises(ValueError, match=f"{len(torn)} bytes that are no whole frame"):
        require_whole(path, read=end)
