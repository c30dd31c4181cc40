"""A tar stream is read as tarfile reads it, however it is cut into pieces, and nothing gets out of its folder."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from opsctl.core.errors import FailedError
from opsctl.dr.postgres.tar_files import pack, unpack
from opsctl.dr.postgres.tar_stream import Collected, TarMember, TarWalker

FILES = st.dictionaries(
    st.from_regex(r"[a-z]{1,9}(/[a-z]{1,40}){0,3}", fullmatch=True), st.binary(max_size=2000), max_size=6
)
CHECKSUM = slice(148, 156)


def tar_of(files: dict[str, bytes], *, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """Make a tar file by tarfile."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """Cut into pieces."""
    return (data[at : at + size] for at in range(0, len(data), size))


@given(
    files=FILES, size=st.integers(1, 3000), form=st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
)
def test_contents_come_out_whole_however_the_stream_is_cut(
    files: dict[str, bytes], size: int, form: int
) -> None:
    """Names, sizes and bytes."""
    found: dict[str, Collected] = {}

    def open_sink(member: TarMember) -> Collected:
        found[member.name] = Collected()
        return found[member.name]

    walker = TarWalker(open_sink)
    for piece in cut(tar_of(files, form=form), size):
        walker.feed(piece)
    walker.finish()

    assert {name: sink.data for name, sink in found.items()} == files
    assert all(sink.is_whole for sink in found.values())


@pytest.mark.slow
@given(files=FILES, data=st.data())
def test_a_stream_that_breaks_off_is_noticed(files: dict[str, bytes], data: st.DataObject) -> None:
    """Wherever that is before its end."""
    content = tar_of(files)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        end = tar.offset if tar.getmembers() else 0
    length = data.draw(st.integers(0, end + 512))
    walker = TarWalker(lambda _: None)
    walker.feed(content[:length])

    with pytest.raises(FailedError) as raised:
        walker.finish()

    assert raised.value.code == "DRC022"


@given(at=st.integers(0, 499), bit=st.integers(0, 7))
def test_a_header_with_a_flipped_bit_is_refused(at: int, bit: int) -> None:
    """By its checksum; a checksum that is only written in another way, a blank for a zero, still says the same."""
    content = bytearray(tar_of({"base/1/2": b"abc"}))
    stated = checksum_of(content)
    content[at] ^= 1 << bit
    assume(not CHECKSUM.start <= at < CHECKSUM.stop or checksum_of(content) != stated)

    with pytest.raises(FailedError):
        TarWalker(lambda _: None).feed(bytes(content))


def checksum_of(header: bytearray) -> int | None:
    """Return the sum that a header states, and nothing where it is no number."""
    try:
        return int(header[CHECKSUM].rstrip(b" \0"), 8)
    except ValueError:
        return None


def test_sizes_above_what_octal_digits_hold_are_read() -> None:
    """As GNU tar writes them."""
    info = tarfile.TarInfo("big")
    info.size = 9 * 1024**3
    seen: list[TarMember] = []

    def open_sink(member: TarMember) -> None:
        seen.append(member)

    TarWalker(open_sink).feed(info.tobuf(format=tarfile.GNU_FORMAT))

    assert seen[0].size_bytes == 9 * 1024**3


def test_files_and_empty_folders_are_unpacked(tmp_path: Path) -> None:
    """Below the folder that was named, for its owner only."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("pg_tblspc")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        info = tarfile.TarInfo("base/1/2")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))

    unpack(cut(stream.getvalue(), 700), into=tmp_path)

    assert (tmp_path / "pg_tblspc").is_dir()
    assert (tmp_path / "base/1/2").read_bytes() == b"abc"
    assert (tmp_path / "base/1/2").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    """A name that leads out of the folder is refused."""
    with pytest.raises(FailedError) as raised:
        unpack([tar_of({name: b"x"})], into=tmp_path)

    assert raised.value.code == "DRC022"
    assert list(tmp_path.iterdir()) == []


def test_links_are_refused(tmp_path: Path) -> None:
    """There are none in a base backup without further tablespaces."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        link = tarfile.TarInfo("pg_tblspc/1")
        link.type, link.linkname = tarfile.SYMTYPE, "/elsewhere"
        tar.addfile(link)

    with pytest.raises(FailedError, match="not whole"):
        unpack([stream.getvalue()], into=tmp_path)


def test_a_folder_is_packed_as_tarfile_reads_it(tmp_path: Path) -> None:
    """With contents of every length around a block."""
    contents = {f"file{length}": b"x" * length for length in (0, 1, 511, 512, 513, 3 * 1024 * 1024)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    stream = io.BytesIO(b"".join(pack(tmp_path)))

    with tarfile.open(fileobj=stream) as tar:
        assert {each.name: tar.extractfile(each).read() for each in tar} == contents  # type: ignore[union-attr]
