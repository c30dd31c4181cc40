"""How is a content compressed so that each part of it is checked when it comes back, and a missing end is seen?

As zstd frames of one MiB with a checksum each, which any zstd opens, and then an empty frame: that nothing is missing.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from opsctl.clients.pieces import in_blocks
from opsctl.clients.side_by_side import in_order
from opsctl.core.errors import FailedError, NotReadyError

if TYPE_CHECKING:
    import zstandard

_BLOCK_BYTES = 1024 * 1024
_SLICE_BYTES = 4096
_AT_ONCE = 2


def packed(pieces: Iterable[bytes], *, level: int) -> Iterator[bytes]:
    """Yield the content compressed; an error of `pieces` goes through."""
    # A compressor serves one thread at a time; a block's turn comes when the one as many before it has been taken.
    compressors = [_zstandard().ZstdCompressor(level=level, write_checksum=True) for _ in range(_AT_ONCE)]
    blocks = enumerate(in_blocks(pieces, size_bytes=_BLOCK_BYTES))
    calls = (partial(compressors[number % _AT_ONCE].compress, block) for number, block in blocks)
    yield from in_order(calls, at_once=_AT_ONCE)
    yield compressors[0].compress(b"")


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each frame's content once its checksum is right.

    Raises:
        FailedError: SEA005 when it is damaged, ends early, or goes on behind its end.
    """
    decompressor = _zstandard().ZstdDecompressor()
    frame = decompressor.decompressobj()
    content, has_ended = bytearray(), False
    for piece in _slices(pieces):
        rest = piece
        while rest:
            if has_ended:
                raise damaged("something follows its end")
            content += _decompressed(frame, rest)
            if len(content) > _BLOCK_BYTES:
                raise damaged("a block of it is larger than any that was made")
            rest = frame.unused_data
            if frame.eof:
                has_ended = not content
                if content:
                    yield bytes(content)
                frame, content = decompressor.decompressobj(), bytearray()
    if not has_ended:
        raise damaged("its end is missing")


def damaged(why: str) -> FailedError:
    """Return the error for a sealed content that is not what was sealed."""
    return FailedError(
        "a sealed content is damaged, or not whole",
        code="SEA005",
        why=why,
        fix="find a copy that is whole: opsctl dr verify --all",
    )


def missing_extra(error: ImportError) -> NotReadyError:
    """Return the error for a library of the extra that is not installed."""
    return NotReadyError(
        "backups need the extra `opsctl[backup]`",
        code="SEA007",
        why=str(error),
        fix="pip install 'opsctl[backup]'",
    )


def _slices(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield small slices: a byte can become 32,768, and what one slice becomes is looked at first."""
    for piece in pieces:
        for start in range(0, len(piece), _SLICE_BYTES):
            yield piece[start : start + _SLICE_BYTES]


def _decompressed(frame: "zstandard.ZstdDecompressionObj", piece: bytes) -> bytes:
    try:
        return frame.decompress(piece)
    except _zstandard().ZstdError as error:
        raise damaged(str(error)) from error


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise missing_extra(error) from error
    return zstandard
