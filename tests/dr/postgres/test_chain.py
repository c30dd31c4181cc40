"""The newest backup before a target is chosen with all that it needs, or the reason is told why there is none."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from opsctl.core.errors import FailedError, UsageError
from opsctl.dr.manifest import BackupKind, BackupManifest, BaseBackup, SealedFile
from opsctl.dr.postgres.archive import Piece, WalArchive
from opsctl.dr.postgres.chain import RestoreChain, choose_chain
from opsctl.dr.postgres.target import AtLsn, AtName, AtTime, Latest, Target, parse_target
from opsctl.dr.postgres.wal import Lineage, Segment, Switch, format_lsn

SIZE = 1 << 20
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
FILE = SealedFile(key="k", size_bytes=7 * SIZE, sha256="", stored_bytes=1, stored_sha256="")


def backup(
    name: str, *, begin: int, parent: str | None = None, timeline: int = 1, system: str = "7"
) -> BackupManifest:
    """Return a backup that begins `begin` MiB into the log and ends a little later, as many hours past noon."""
    start = begin * SIZE
    return BackupManifest(
        backup_id=name,
        kind=BackupKind.FULL if parent is None else BackupKind.INCREMENTAL,
        parent=parent,
        started_at=NOON + timedelta(hours=begin),
        ended_at=NOON + timedelta(hours=begin, minutes=5),
        base=BaseBackup(
            tar=FILE,
            manifest=FILE,
            system_identifier=system,
            server_version="18.6",
            timeline=timeline,
            start_lsn=format_lsn(start + 0x28),
            end_lsn=format_lsn(start + 0x120),
            wal_segment_bytes=SIZE,
            cluster_bytes=5 * SIZE,
        ),
        dump=None,
        vectors=(),
        aliases={},
        golden=(),
        configuration=None,
        migrations={},
        secrets=(),
    )


def archive(*segments: tuple[int, int], partial: tuple[int, int] | None = None) -> WalArchive:
    """Return an archive of whole segments, and of one of which there are a hundred bytes."""
    pieces = {Segment(*each): (Piece(key="k", first=0, end=SIZE, digest=""),) for each in segments}
    if partial is not None:
        pieces[Segment(*partial)] = (Piece(key="k", first=0, end=100, digest=""),)
    return WalArchive(system_identifier="7", segment_bytes=SIZE, pieces=pieces, histories={})


def line(first: int, last: int, *, timeline: int = 1) -> list[tuple[int, int]]:
    """Return segments that follow each other."""
    return [(timeline, number) for number in range(first, last + 1)]


FULL, INCREMENT = backup("full", begin=3), backup("increment", begin=6, parent="full")
LATER = backup("later", begin=9, parent="increment")


def choose(
    target: Target,
    *,
    backups: Sequence[BackupManifest] = (LATER, FULL, INCREMENT),
    wal: WalArchive | None = None,
    lineages: Sequence[Lineage] = (),
    **more: object,
) -> RestoreChain:
    """Choose, from an archive without gaps."""
    wal = wal or archive(*line(1, 10), partial=(1, 11))
    return choose_chain(backups, archive=wal, lineages=lineages, target=target, **more)  # type: ignore[arg-type]


def names(chain: RestoreChain) -> list[str]:
    """Return the names of the backups, the full one first."""
    return [each.backup_id for each in chain.backups]


def test_the_latest_point_takes_the_newest_backup_and_all_that_follows() -> None:
    """Its parents come first; of the log only what the backup does not hold itself."""
    chain = choose(Latest())

    assert names(chain) == ["full", "increment", "later"]
    assert chain.segments == (Segment(1, 10), Segment(1, 11))
    assert chain.end == 11 * SIZE + 100
    assert chain.space_bytes == 3 * 7 * SIZE + 5 * SIZE + 2 * SIZE


@pytest.mark.parametrize(
    ("target", "expected", "segments"),
    [
        (AtTime(NOON + timedelta(hours=6, minutes=5)), ["full", "increment"], line(7, 11)),
        (AtTime(NOON + timedelta(hours=6, minutes=4)), ["full"], line(4, 11)),
        (AtLsn(6 * SIZE + 0x120), ["full", "increment"], []),
        (AtLsn(6 * SIZE + 0x11F), ["full"], line(4, 6)),
        (AtLsn(7 * SIZE), ["full", "increment"], []),
        (AtLsn(7 * SIZE + 1), ["full", "increment"], line(7, 7)),
        (AtName("here"), ["full", "increment", "later"], line(10, 11)),
    ],
)
def test_the_newest_backup_that_ends_before_the_target_is_taken(
    target: Target, expected: list[str], segments: list[tuple[int, int]]
) -> None:
    """Recovery only goes forward; no more of the log is fetched than a position needs."""
    chain = choose(target)

    assert (names(chain), chain.segments) == (expected, tuple(Segment(*each) for each in segments))


@pytest.mark.parametrize("target", [AtTime(NOON + timedelta(hours=3)), AtLsn(3 * SIZE + 0x11F)])
def test_before_the_oldest_backup_there_is_nothing(target: Target) -> None:
    """Which that is, and when it ended, is told."""
    with pytest.raises(FailedError) as raised:
        choose(target)

    assert raised.value.code == "DRC024"
    assert "`full` ended 2026-11-29 15:05:00 UTC at 0/300120" in str(raised.value.why)


def test_behind_the_end_of_the_archive_there_is_nothing() -> None:
    """With where it ends."""
    with pytest.raises(FailedError) as raised:
        choose(AtLsn(11 * SIZE + 100_000))

    assert raised.value.code == "DRC025"
    assert "0/B00064" in str(raised.value.why)


def test_a_position_far_out_takes_no_time_to_refuse() -> None:
    """It is not walked to."""
    with pytest.raises(FailedError) as raised:
        choose(AtLsn((1 << 64) - 1))

    assert raised.value.code == "DRC025"


def test_a_gap_is_told_with_the_last_point_before_it() -> None:
    """What lies behind it cannot be replayed."""
    with pytest.raises(FailedError) as raised:
        choose(Latest(), backups=[FULL, INCREMENT], wal=archive(*line(1, 7), *line(10, 11)))

    assert raised.value.code == "DRC026"
    assert "`000000010000000000000008` and 1 more" in str(raised.value.why)
    assert "--to 0/800000" in str(raised.value.fix)


def test_a_gap_behind_the_target_or_before_the_backup_does_not_matter() -> None:
    """Only what is replayed has to be there."""
    wal = archive(*line(1, 1), *line(5, 7), *line(9, 11))

    assert names(choose(AtLsn(7 * SIZE + 9), wal=wal)) == ["full", "increment"]
    assert names(choose(Latest(), wal=wal)) == ["full", "increment", "later"]


@pytest.mark.parametrize("target", [AtTime(NOON + timedelta(hours=7)), AtName("here")])
def test_a_time_or_a_name_is_looked_for_in_what_lies_before_a_gap(target: Target) -> None:
    """It may well be there; the replay does not end well where it is not."""
    chain = choose(target, backups=[FULL, INCREMENT], wal=archive(*line(1, 7), *line(10, 11), partial=(1, 8)))

    assert (names(chain), chain.segments) == (["full", "increment"], (Segment(1, 7), Segment(1, 8)))
    assert chain.end == 8 * SIZE + 100


def test_an_archive_that_ends_before_the_backup_leaves_the_backup_itself() -> None:
    """The log up to its own end is in it."""
    chain = choose(Latest(), wal=archive(*line(1, 4)))

    assert (names(chain), chain.segments) == (["full", "increment", "later"], ())


def test_a_segment_that_is_cut_short_within_the_log_is_a_gap() -> None:
    """Its end is not known to be there."""
    with pytest.raises(FailedError) as raised:
        choose(Latest(), wal=archive((1, 11), partial=(1, 10)))

    assert raised.value.code == "DRC026"


def test_without_a_parent_an_older_backup_is_taken() -> None:
    """Together with more of the log it leads to the same point."""
    assert names(choose(Latest(), without={"increment"})) == ["full"]
    assert names(choose(Latest(), backups=[FULL, LATER])) == ["full"]


def test_where_no_backup_has_its_parents_it_is_told_which_is_missing() -> None:
    """Of the newest one."""
    with pytest.raises(FailedError) as raised:
        choose(Latest(), backups=[INCREMENT, LATER])

    assert raised.value.code == "DRC027"
    assert "`later`" in raised.value.message
    assert "`full`" in str(raised.value.why)


def test_backups_of_other_servers_do_not_count() -> None:
    """Whatever else is in the repository."""
    other = backup("other", begin=10, system="8")

    assert names(choose(Latest(), backups=[other, FULL])) == ["full"]
    with pytest.raises(FailedError) as raised:
        choose(Latest(), backups=[other])
    assert raised.value.code == "DRC024"


def test_the_newest_timeline_is_followed_from_where_it_began() -> None:
    """The backup lies on its parent; a newer one on the branch that was left does not count."""
    second = Lineage(timeline=2, ancestors=(Switch(timeline=1, at=5 * SIZE + 500),))
    wal = archive(*line(1, 11), *line(5, 6, timeline=2))

    chain = choose(Latest(), wal=wal, lineages=[second])

    assert names(chain) == ["full"]
    assert chain.segments == (Segment(1, 4), Segment(2, 5), Segment(2, 6))
    assert chain.lineage == second


def test_a_branch_that_was_left_can_be_named() -> None:
    """Then its own backups count again."""
    second = Lineage(timeline=2, ancestors=(Switch(timeline=1, at=5 * SIZE + 500),))
    wal = archive(*line(1, 11), *line(5, 6, timeline=2))

    chain = choose(Latest(), wal=wal, lineages=[second], timeline=1)

    assert names(chain) == ["full", "increment", "later"]
    assert chain.segments == (Segment(1, 10), Segment(1, 11))


def test_a_timeline_that_begins_within_the_last_segment_of_a_backup_is_read_from_there() -> None:
    """The backup holds that segment of its own timeline only."""
    second = Lineage(timeline=2, ancestors=(Switch(timeline=1, at=3 * SIZE + 0x148),))

    chain = choose(Latest(), backups=[FULL], wal=archive(*line(3, 4, timeline=2)), lineages=[second])

    assert chain.segments == (Segment(2, 3), Segment(2, 4))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("latest", Latest()),
        ("1/A0", AtLsn((1 << 32) + 0xA0)),
        ("name:before migration", AtName("before migration")),
        ("2026-11-29T12:00:00Z", AtTime(NOON)),
        ("2026-11-29 23:00:00+11:00", AtTime(NOON)),
    ],
)
def test_a_target_is_read_as_it_is_typed(text: str, target: Target) -> None:
    """Four forms, told apart."""
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-29T12:00:00", "0/xyz", "name:", "name:" + "x" * 64]
)
def test_a_target_that_could_mean_anything_is_refused(text: str) -> None:
    """A time without its zone above all."""
    with pytest.raises(UsageError) as raised:
        parse_target(text)

    assert raised.value.code == "DRC038"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "name:\udcff"])
def test_a_point_that_no_machine_can_write_down_is_refused(text: str) -> None:
    """A time outside of all years in UTC, and a name that is half a character."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)

    assert caught.value.code == "DRC038"
