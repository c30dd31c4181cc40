"""Positions, names and timelines are those of PostgreSQL, and what is between two positions is found without gaps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.errors import FailedError, UsageError
from opsctl.dr.postgres.wal import (
    Held,
    Lineage,
    Segment,
    Switch,
    cover,
    format_lsn,
    newest_lineage,
    parse_history,
    parse_lsn,
    parse_segment_name,
)
from opsctl.dr.postgres.wal_tail import record_end

SIZE = 16 * 1024 * 1024
LSNS = st.integers(0, (1 << 64) - 1)
SIZES = st.sampled_from([1 << 20, SIZE, 1 << 30])


@given(lsn=LSNS)
def test_a_position_is_read_as_it_is_written(lsn: int) -> None:
    """In PostgreSQL's form, in both directions."""
    assert parse_lsn(format_lsn(lsn)) == lsn


@pytest.mark.parametrize("text", ["", "0", "0/", "0/1/2", "0/123456789", "g/1", " 0/1", "0/1\n", "\u0660/1"])
def test_what_is_no_position_is_refused(text: str) -> None:
    """Also digits of other scripts."""
    with pytest.raises(UsageError) as raised:
        parse_lsn(text)

    assert raised.value.code == "DRC038"


@given(timeline=st.integers(1, 0xFFFFFFFF), lsn=LSNS, size=SIZES)
def test_the_name_of_a_segment_says_which_it_is(timeline: int, lsn: int, size: int) -> None:
    """For every size that PostgreSQL can be built with."""
    segment = Segment(timeline, lsn // size)

    assert parse_segment_name(segment.name(size), segment_bytes=size) == segment
    assert segment.start(size) <= lsn < segment.start(size) + size


def test_names_follow_each_other_as_postgresql_has_them() -> None:
    """The lowest part counts up to the segments in 4 GiB."""
    assert Segment(1, 255).name(SIZE) == "0000000100000000000000FF"
    assert Segment(1, 256).name(SIZE) == "000000010000000100000000"
    assert parse_segment_name("000000010000000000000100", segment_bytes=SIZE) is None
    assert parse_segment_name("000000000000000000000001", segment_bytes=SIZE) is None
    assert parse_segment_name("000000010000000000000001.partial", segment_bytes=SIZE) is None


HISTORY = "1\t0/5000028\tno recovery target specified\n\n2\t0/7000100\tbefore 2026-11-29 12:00:00+00\n"


def test_a_history_file_tells_where_a_timeline_comes_from() -> None:
    """As PostgreSQL writes it, with blank lines and reasons."""
    lineage = parse_history(HISTORY, timeline=3)

    assert lineage.ancestors == (Switch(timeline=1, at=0x5000028), Switch(timeline=2, at=0x7000100))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense\n",
        "1\t0/5000028\n1\t0/6000028\n",
        "2\t0/5000028\n1\t0/6000028\n",
        "3\t0/5\n",
        "1\t0/6\n2\t0/5\n",
    ],
)
def test_a_history_that_makes_no_sense_is_refused(text: str) -> None:
    """No timeline descends from itself or from a later one."""
    with pytest.raises(FailedError) as raised:
        parse_history(text, timeline=3)

    assert raised.value.code == "DRC037"


def test_a_segment_in_which_a_timeline_begins_is_read_from_that_timeline() -> None:
    """The newest that has begun by then, as PostgreSQL does; its first part is a copy of its parent's."""
    lineage = parse_history(HISTORY, timeline=3)

    found = [lineage.timeline_at(number, segment_bytes=SIZE) for number in range(4, 9)]

    assert found == [1, 2, 2, 3, 3]


@given(data=st.data())
def test_the_timeline_of_a_segment_is_that_of_its_last_byte(data: st.DataObject) -> None:
    """By a slow and plain way to find it."""
    switches = sorted(data.draw(st.lists(st.integers(0, 40), max_size=4)))
    lineage = Lineage(
        timeline=len(switches) + 1,
        ancestors=tuple(Switch(timeline=n + 1, at=at) for n, at in enumerate(switches)),
    )

    for number in range(12):
        last_byte = number * 4 + 3
        assert lineage.timeline_at(number, segment_bytes=4) == 1 + sum(at <= last_byte for at in switches)


def test_the_newest_timeline_that_comes_from_a_backup_is_followed() -> None:
    """Not one that had branched off before it."""
    second = Lineage(timeline=2, ancestors=(Switch(timeline=1, at=100),))
    third = Lineage(timeline=3, ancestors=(Switch(timeline=1, at=50),))
    lineages = [second, third]

    assert newest_lineage(lineages, timeline=1, lsn=40).timeline == 3
    assert newest_lineage(lineages, timeline=1, lsn=80).timeline == 2
    assert newest_lineage(lineages, timeline=1, lsn=180).timeline == 1
    assert newest_lineage(lineages, timeline=3, lsn=80).timeline == 3


@given(
    held=st.dictionaries(st.integers(0, 12), st.integers(1, 4), max_size=12),
    start=st.integers(0, 12).map(lambda number: number * 4),
    until=st.none() | st.integers(0, 60),
)
def test_gaps_and_the_end_are_what_a_plain_walk_finds(
    held: dict[int, int], start: int, until: int | None
) -> None:
    """Byte by byte."""
    there = {Segment(1, n): Held(segment=Segment(1, n), bytes=size) for n, size in held.items()}

    coverage = cover(there, start=start, lineage=Lineage(timeline=1), segment_bytes=4, until=until)

    end = start
    while end // 4 in held and end % 4 < held[end // 4]:
        end += 1
    wanted = range(start // 4, -(-(until if until is not None else 52) // 4))
    last = max([n for n in held if n in wanted], default=-1)
    if until is None or until > start:
        limit = (max(wanted, default=-1) + 1) * 4
        assert coverage.end == min(end, max(limit, start))
    broken = {n for n in range(start // 4, last + 1) if held.get(n, 0) < 4 and n < last}
    assert broken <= {each.number for each in coverage.missing}
    assert [each.number for each in coverage.segments] == sorted(n for n in held if n in wanted)


@given(
    start=st.integers(0, 20 * 8192).map(lambda n: n * 8),
    length=st.integers(24, 60_000),
)
def test_a_record_ends_where_its_bytes_do_beside_the_headers_of_pages(start: int, length: int) -> None:
    """Counted byte by byte: a page begins with 24 bytes that are not of the record, a segment with 40."""
    segment = 64 * 1024
    if start % 8192 < 40:
        start += 40
    position, left = start, length
    while left:
        if position % 8192 == 0:
            position += 40 if position % segment == 0 else 24
        step = min(left, 8192 - position % 8192)
        position, left = position + step, left - step

    assert record_end(start, length=length, segment_bytes=segment) == (position + 7) // 8 * 8
