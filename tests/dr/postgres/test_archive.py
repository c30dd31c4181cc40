"""The names in the archive say what there is, and what is read back is what the names promise."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dr.postgres.history import vault_of
from tests.dr.postgres.segments import SIZE, SYSTEM, segment_content

from opsctl.core.errors import FailedError
from opsctl.dr.postgres.archive import (
    Piece,
    archive_of,
    chosen_pieces,
    piece_name,
    prefix_of,
    read_archive,
    whole_name,
)
from opsctl.dr.postgres.archive_reading import read_segment
from opsctl.dr.postgres.wal import Segment

SEGMENT = Segment(1, 7)
STRETCHES = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=10)


@given(stretches=STRETCHES)
def test_the_chosen_pieces_reach_as_far_as_all_of_them(stretches: list[tuple[int, int]]) -> None:
    """From the beginning without a gap, each adding something."""
    pieces = [
        Piece(key=str(n), first=first, end=first + size, digest="")
        for n, (first, size) in enumerate(stretches)
    ]

    way = chosen_pieces(pieces)

    covered = {at for each in pieces for at in range(each.first, each.end)}
    reach = next(at for at in range(100) if at not in covered)
    assert (way[-1].end if way else 0) == reach
    ends = [0, *(each.end for each in way)]
    assert ends == sorted(set(ends))
    assert all(each.first <= before for each, before in zip(way, ends, strict=False))


def test_other_names_in_the_same_place_are_left_alone() -> None:
    """Whatever somebody puts there."""
    keys = [
        f"wal/{SYSTEM}/00000001/hello@{'0' * 64}.zst",
        f"wal/{SYSTEM}/00000001/000000010000000000000007@{'0' * 64}.zst",
        f"wal/{SYSTEM}/00000001/000000010000FFFF00000007.0123456789abcdef@{'0' * 64}.zst.age",
        f"wal/{SYSTEM}/00000001/000000010000000000000007.0123456789abcdef@{'0' * 64}.zst",
    ]

    archive = archive_of(keys, system_identifier=SYSTEM, segment_bytes=16 * 1024 * 1024)

    assert list(archive.pieces) == [Segment(1, 0xFFFF * 256 + 7), Segment(1, 7)]


def test_a_segment_that_was_not_finished_is_filled_up_with_zeros(tmp_path: Path) -> None:
    """As PostgreSQL has it; pieces overlap, and one of them is of no use."""
    vault, content = vault_of(tmp_path / "repository"), segment_content(SEGMENT, b"x" * 5000)
    for first, end in ((0, 300), (100, 300), (200, 4000), (4000, 5040)):
        data = content[first:end]
        vault.put_named(prefix_of(SYSTEM, 1), piece_name(SEGMENT.name(SIZE), data, first=first), data)

    archive = read_archive(vault, system_identifier=SYSTEM, segment_bytes=SIZE)

    assert archive.held[SEGMENT].bytes == 5040
    assert read_segment(vault, archive, SEGMENT) == content


@pytest.mark.parametrize("is_finished", [False, True])
def test_what_an_archiver_has_superseded_meanwhile_is_read_from_what_took_its_place(
    tmp_path: Path, *, is_finished: bool
) -> None:
    """Pieces that were there when the restore looked go every now and then while it fetches."""
    vault, content = vault_of(tmp_path), segment_content(SEGMENT, b"x" * 9000)
    prefix, name = prefix_of(SYSTEM, 1), SEGMENT.name(SIZE)
    old = vault.put_named(prefix, piece_name(name, content[:4000], first=0), content[:4000])
    archive = read_archive(vault, system_identifier=SYSTEM, segment_bytes=SIZE)
    more = (whole_name(name, content), content)
    if not is_finished:
        more = (piece_name(name, content[:9040], first=0), content[:9040])
    vault.put_named(prefix, *more)
    (tmp_path / old).unlink()

    assert read_segment(vault, archive, SEGMENT) == content


def test_a_piece_that_is_gone_with_nothing_in_its_place_is_told(tmp_path: Path) -> None:
    """That is a loss, and no archiver's work."""
    vault, content = vault_of(tmp_path), segment_content(SEGMENT, b"x" * 9000)
    keys = [
        vault.put_named(prefix_of(SYSTEM, 1), piece_name(SEGMENT.name(SIZE), data, first=first), data)
        for first, data in ((0, content[:4000]), (4000, content[4000:9040]))
    ]
    archive = read_archive(vault, system_identifier=SYSTEM, segment_bytes=SIZE)
    (tmp_path / keys[1]).unlink()

    with pytest.raises(FailedError) as raised:
        read_segment(vault, archive, SEGMENT)

    assert raised.value.code == "REP003"


def test_a_second_copy_serves_where_the_first_is_damaged(tmp_path: Path) -> None:
    """The same content twice, as encryption leaves it after a kill."""
    from opsctl.clients.repository_folder import FolderRepository
    from opsctl.clients.sealing import Sealing, new_key
    from opsctl.dr.vault import Vault

    text, recipient = new_key()
    repository = FolderRepository(tmp_path / "repository")
    vault = Vault(repository, Sealing(recipients=(recipient,), identities=(text,)))
    content = segment_content(SEGMENT, b"x" * 5000)
    name = whole_name(SEGMENT.name(SIZE), content)
    keys = {vault.put_named(prefix_of(SYSTEM, 1), name, content) for _ in range(2)}
    archive = read_archive(vault, system_identifier=SYSTEM, segment_bytes=SIZE)

    for key in keys:
        path = tmp_path / "repository" / key
        good = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        assert read_segment(vault, archive, SEGMENT) == content
        path.write_bytes(good)

    assert len(keys) == 2


@pytest.mark.parametrize(
    "content",
    [
        segment_content(Segment(1, 8), b"x"),
        segment_content(SEGMENT, b"x", system="1"),
        segment_content(Segment(2, 7), b"x"),
        b"\0" * SIZE,
        b"short",
    ],
)
def test_a_segment_that_is_not_what_its_name_says_is_refused(tmp_path: Path, content: bytes) -> None:
    """Of another place, server or timeline, or no segment at all."""
    vault = vault_of(tmp_path / "repository")
    vault.put_named(prefix_of(SYSTEM, 1), whole_name(SEGMENT.name(SIZE), content), content)
    archive = read_archive(vault, system_identifier=SYSTEM, segment_bytes=SIZE)

    with pytest.raises(FailedError) as raised:
        read_segment(vault, archive, SEGMENT)

    assert raised.value.code == "DRC037"
