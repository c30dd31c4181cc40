"""What may go is never what is still needed: not the last proof, not a parent, not what a wrong clock made look old."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dr.manifests import full_manifest

from opsctl.core.errors import UsageError
from opsctl.dr.manifest import BackupKind, BaseBackup
from opsctl.dr.retention import ArchivedSegment, KeptBackup, Policy, decide, removable_segments

_NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
_FULL, _INCREMENTAL, _LOGICAL = BackupKind.FULL, BackupKind.INCREMENTAL, BackupKind.LOGICAL
_MIB = 1024 * 1024


def _backup(
    name: str,
    *,
    age: timedelta = timedelta(0),
    kind: BackupKind = _FULL,
    parent: str | None = None,
    verified: bool | None = True,
) -> KeptBackup:
    return KeptBackup(backup_id=name, kind=kind, parent=parent, ended_at=_NOW - age, is_verified=verified)


def _days(number: float) -> timedelta:
    return timedelta(days=number)


@st.composite
def _histories(draw: st.DrawFn) -> list[KeptBackup]:
    """Draw backups of any kind, order and age; some from the future, some with a parent that is not there."""
    names = [f"b{number}" for number in range(draw(st.integers(0, 12)))]
    parents = st.none() | st.sampled_from([*names, "gone"])
    return [
        KeptBackup(
            backup_id=name,
            kind=(kind := draw(st.sampled_from(list(BackupKind)))),
            parent=draw(parents) if kind is _INCREMENTAL else None,
            ended_at=_NOW - timedelta(hours=draw(st.integers(-50, 24 * 400))),
            is_verified=draw(st.none() | st.booleans()),
        )
        for name in names
    ]


_POLICIES = st.builds(
    Policy,
    at_least=st.integers(1, 3),
    daily=st.integers(0, 7),
    weekly=st.integers(0, 4),
    monthly=st.integers(0, 6),
)


def _newest(backups: list[KeptBackup]) -> KeptBackup | None:
    return max(backups, key=lambda each: (each.ended_at, each.backup_id), default=None)


@pytest.mark.slow
@given(backups=_histories(), policy=_POLICIES)
def test_the_last_verified_backup_of_each_kind_of_copy_never_goes(
    backups: list[KeptBackup], policy: Policy
) -> None:
    """Whatever else there is; also where all newer ones are from the future, in doubt or not verified."""
    kept = decide(backups, policy=policy, now=_NOW).kept

    for is_dump in (False, True):
        proven = [each for each in backups if each.is_verified and (each.kind is _LOGICAL) is is_dump]
        for newest in (_newest(proven), _newest([each for each in proven if each.ended_at <= _NOW])):
            assert newest is None or newest.backup_id in kept


@given(backups=_histories(), policy=_POLICIES)
def test_everything_that_a_backup_needs_stays_with_it(backups: list[KeptBackup], policy: Policy) -> None:
    """And where it does not say what it needs, every copy of files stays."""
    kept = decide(backups, policy=policy, now=_NOW).kept
    names = {each.backup_id for each in backups}

    for backup in backups:
        if backup.backup_id not in kept or backup.kind is not _INCREMENTAL:
            continue
        if backup.parent is None:
            assert {each.backup_id for each in backups if each.kind is not _LOGICAL} <= set(kept)
        else:
            assert backup.parent in kept or backup.parent not in names


@pytest.mark.slow
@given(backups=_histories(), policy=_POLICIES)
def test_every_backup_stays_or_goes_and_each_that_stays_has_a_reason(
    backups: list[KeptBackup], policy: Policy
) -> None:
    """Nothing is forgotten, and none is on both sides."""
    verdict = decide(backups, policy=policy, now=_NOW)

    assert sorted([*verdict.kept, *verdict.gone]) == sorted(each.backup_id for each in backups)
    assert all(reasons and len(set(reasons)) == len(reasons) for reasons in verdict.kept.values())


@pytest.mark.slow
@given(backups=_histories(), policy=_POLICIES)
def test_what_seems_to_come_from_the_future_or_before_its_parent_stays(
    backups: list[KeptBackup], policy: Policy
) -> None:
    """There a clock was wrong, and nobody knows how old it is."""
    kept = decide(backups, policy=policy, now=_NOW).kept
    by_id = {each.backup_id: each for each in backups}

    for backup in backups:
        parent = by_id.get(backup.parent or "")
        if backup.ended_at > _NOW or (parent is not None and backup.ended_at < parent.ended_at):
            assert backup.backup_id in kept


@pytest.mark.slow
@given(backups=_histories(), policy=_POLICIES)
def test_a_removal_that_is_interrupted_leaves_no_backup_without_its_parent(
    backups: list[KeptBackup], policy: Policy
) -> None:
    """Of two that go, the one that needs the other goes first; one that does not say what it needs, before all."""
    gone = decide(backups, policy=policy, now=_NOW).gone
    by_id = {each.backup_id: each for each in backups}

    for place, name in enumerate(gone):
        parent, steps = by_id[name].parent, 0
        while parent in by_id and steps < len(by_id):
            is_a_ring = steps + 1 == len(by_id) or parent == name
            assert parent not in gone[:place] or is_a_ring or _is_in_a_ring(parent, by_id)
            parent, steps = by_id[parent].parent, steps + 1
    needs_anything = [_may_need_anything(by_id[name], by_id) for name in gone]
    assert needs_anything == sorted(needs_anything, reverse=True)


def _may_need_anything(backup: KeptBackup, by_id: dict[str, KeptBackup]) -> bool:
    at: KeptBackup | None = backup
    for _ in by_id:
        if at is not None and at.kind is _INCREMENTAL and at.parent is None:
            return True
        at = by_id.get(at.parent or "") if at is not None else None
    return False


def _is_in_a_ring(name: str, by_id: dict[str, KeptBackup]) -> bool:
    at: str | None = by_id[name].parent
    for _ in by_id:
        if at == name:
            return True
        at = by_id[at].parent if at in by_id else None
    return False


@pytest.mark.slow
@given(backups=_histories(), policy=_POLICIES)
def test_what_stays_stays_when_it_is_decided_again(backups: list[KeptBackup], policy: Policy) -> None:
    """A second run right behind the first removes nothing more."""
    verdict = decide(backups, policy=policy, now=_NOW)
    left = [each for each in backups if each.backup_id in verdict.kept]

    assert decide(left, policy=policy, now=_NOW).gone == ()


@pytest.mark.slow
@given(backups=_histories(), policy=_POLICIES)
def test_the_order_of_the_list_does_not_matter(backups: list[KeptBackup], policy: Policy) -> None:
    """Repositories list by name, not by age."""
    forwards = decide(backups, policy=policy, now=_NOW)
    backwards = decide(backups[::-1], policy=policy, now=_NOW)

    assert (set(forwards.kept), forwards.gone) == (set(backwards.kept), backwards.gone)


def test_a_year_of_daily_backups_leaves_days_weeks_and_months() -> None:
    """The policy of the book: 7 days, 4 weeks, 6 months, each the newest of its time."""
    backups = [_backup(f"{number:03}", age=_days(number)) for number in range(365)]

    kept = decide(backups, policy=Policy(at_least=2, daily=7, weekly=4, monthly=6), now=_NOW).kept

    # 29 November 2026 is a Sunday: weeks end on it and on the 22nd, 15th, 8th; months on the last of October and before.
    assert set(kept) == {
        "000",
        "001",
        "002",
        "003",
        "004",
        "005",
        "006",
        "007",
        "014",
        "021",
        "029",
        "060",
        "090",
        "121",
        "152",
    }
    assert kept["000"] == (
        "one of the newest 2",
        "the newest of the day 2026-11-29",
        "the newest of the week 2026-W48",
        "the newest of the month 2026-11",
        "the newest that is verified",
    )
    assert kept["152"] == ("the newest of the month 2026-06",)


def test_days_without_a_backup_do_not_count() -> None:
    """After a month's holiday of the backups, the last seven days that have one are still there."""
    backups = [_backup(f"{number}", age=_days(30 + number)) for number in range(10)]

    kept = decide(backups, policy=Policy(at_least=1, daily=7, weekly=0, monthly=0), now=_NOW).kept

    assert set(kept) == {"0", "1", "2", "3", "4", "5", "6"}


def test_the_full_backup_of_a_kept_incremental_stays() -> None:
    """With the reason."""
    backups = [
        _backup("full", age=_days(3)),
        _backup("between", age=_days(2), kind=_INCREMENTAL, parent="full"),
        _backup("newest", age=_days(1), kind=_INCREMENTAL, parent="between"),
        _backup("side", age=_days(2.5), kind=_INCREMENTAL, parent="full"),
    ]

    verdict = decide(backups, policy=Policy(at_least=1, daily=0, weekly=0, monthly=0), now=_NOW)

    assert verdict.kept["full"] == verdict.kept["between"] == ("newest needs it",)
    assert verdict.gone == ("side",)


def test_what_is_kept_for_another_keeps_what_it_needs_itself() -> None:
    """One that does not say what it needs keeps every copy of files, and a copy of files may build on a dump."""
    backups = [
        _backup("dump", age=_days(9), kind=_LOGICAL),
        _backup("newer dump", age=_days(1), kind=_LOGICAL),
        _backup("on the dump", age=_days(8), kind=_INCREMENTAL, parent="dump"),
        _backup("unknown", age=-_days(1), kind=_INCREMENTAL, parent=None, verified=None),
        _backup("full", age=_days(2)),
    ]

    kept = decide(backups, policy=Policy(at_least=1, daily=0, weekly=0, monthly=0), now=_NOW).kept

    assert kept["on the dump"] == ("unknown needs it",)
    assert kept["dump"] == ("on the dump needs it",)


def test_a_chain_goes_from_its_end() -> None:
    """Of the same second too, and the one that may need any of them before all."""
    backups = [
        _backup("a", age=_days(9)),
        _backup("b", age=_days(9), kind=_INCREMENTAL, parent="a"),
        _backup("c", age=_days(9), kind=_INCREMENTAL, parent="b"),
        _backup("d", age=_days(9), kind=_INCREMENTAL, parent=None),
        _backup("newest", age=_days(1)),
    ]

    gone = decide(backups, policy=Policy(at_least=1, daily=0, weekly=0, monthly=0), now=_NOW).gone

    assert gone == ("d", "c", "b", "a")


def test_backups_that_failed_take_nobodys_place() -> None:
    """Seven bad days do not push out the good one before; the bad ones stay as long as nothing newer is verified."""
    bad = [_backup(f"bad{number}", age=_days(number), verified=False) for number in range(7)]
    good = _backup("good", age=_days(8))
    policy = Policy(at_least=1, daily=1, weekly=0, monthly=0)

    before = decide([*bad, good], policy=policy, now=_NOW)
    newer = _backup("newer", age=-timedelta(0))
    after = decide([*bad, good, newer], policy=policy, now=_NOW)

    assert before.gone == ()
    assert before.kept["bad0"] == ("it is in doubt, and nothing newer is verified",)
    assert before.kept["good"] == (
        "one of the newest 1",
        f"the newest of the day {good.ended_at:%Y-%m-%d}",
        "the newest that is verified",
    )
    assert set(after.kept) == {"newer"}


def test_a_backup_without_its_parent_takes_nobodys_place() -> None:
    """It cannot be restored, whatever was said of it."""
    orphan = _backup("orphan", age=_days(1), kind=_INCREMENTAL, parent="gone", verified=None)

    kept = decide(
        [orphan, _backup("full", age=_days(2))],
        policy=Policy(at_least=1, daily=0, weekly=0, monthly=0),
        now=_NOW,
    ).kept

    assert kept["full"] == ("one of the newest 1", "the newest that is verified")


def test_a_backup_that_builds_on_a_bad_one_takes_nobodys_place() -> None:
    """Verified or not: its parent was found bad afterwards, and a restore passes over both."""
    backups = [
        _backup("good", age=_days(9)),
        _backup("bad", age=_days(5), verified=False),
        _backup("proven before", age=_days(4), kind=_INCREMENTAL, parent="bad"),
        _backup("newest", age=_days(1), kind=_INCREMENTAL, parent="proven before", verified=None),
    ]

    kept = decide(backups, policy=Policy(at_least=1, daily=1, weekly=0, monthly=0), now=_NOW).kept

    assert set(kept) == {"good", "bad", "proven before", "newest"}
    assert "the newest that is verified" in kept["good"]
    assert kept["newest"] == ("it is in doubt, and nothing newer is verified",)


def test_dumps_do_not_take_the_place_of_copies_of_files() -> None:
    """A dump has no point in time to go to."""
    backups = [
        _backup("dump", age=timedelta(hours=1), kind=_LOGICAL),
        _backup("full", age=timedelta(hours=2)),
        _backup("older dump", age=timedelta(hours=3), kind=_LOGICAL),
    ]

    verdict = decide(backups, policy=Policy(at_least=1, daily=1, weekly=0, monthly=0), now=_NOW)

    assert set(verdict.kept) == {"dump", "full"}


def test_a_clock_that_went_back_removes_nothing() -> None:
    """To a machine that believes it is last year every backup is from the future."""
    backups = [_backup(f"{number}", age=_days(number)) for number in range(100)]

    assert decide(backups, policy=Policy(), now=_NOW - _days(365)).gone == ()


@pytest.mark.parametrize(
    "numbers",
    [
        {"at_least": 0, "daily": 0, "weekly": 0, "monthly": 0},
        {"at_least": -1},
        {"daily": -1},
    ],
)
def test_a_policy_of_nothing_is_refused(numbers: dict[str, int]) -> None:
    """It is surely a mistake."""
    with pytest.raises(UsageError) as caught:
        Policy(**numbers)

    assert caught.value.code == "DRC009"


def _base(start: str, *, system: str = "77", timeline: int = 1) -> BaseBackup:
    base = full_manifest().base
    assert base is not None
    return replace(base, start_lsn=start, system_identifier=system, timeline=timeline)


def _segment(number: int, *, system: str = "77", timeline: int = 1) -> ArchivedSegment:
    name = f"{system}/{timeline}/{number}"
    return ArchivedSegment(
        key=name, system_identifier=system, timeline=timeline, end=(number + 1) * 16 * _MIB
    )


def _gone(segments: list[ArchivedSegment], bases: list[BaseBackup | None]) -> list[str]:
    return [each.key for each in removable_segments(segments, bases=bases)]


def test_wal_from_before_the_oldest_base_backup_goes() -> None:
    """The segment in which that began stays."""
    segments = [_segment(number) for number in range(8)]

    assert _gone(segments, [_base("0/5000028"), _base("0/3000028")]) == ["77/1/0", "77/1/1", "77/1/2"]


def test_a_segment_that_ends_where_the_oldest_base_backup_begins_goes() -> None:
    """To the byte."""
    assert _gone([_segment(2), _segment(3)], [_base("0/3000000")]) == ["77/1/2"]


def test_wal_of_another_cluster_is_judged_by_its_own_base_backups() -> None:
    """Positions of two clusters have nothing to do with each other; without a base backup everything stays."""
    segments = [_segment(1), _segment(1, system="88"), _segment(1, system="99")]

    assert _gone(segments, [_base("0/5000028"), _base("0/1000028", system="88")]) == ["77/1/1"]


def test_wal_is_kept_for_the_oldest_base_backup_of_any_timeline() -> None:
    """A branch begins behind what it branches off, so both need what the older base backup needs."""
    segments = [_segment(number, timeline=timeline) for timeline in (1, 2) for number in range(6)]

    gone = _gone(segments, [_base("0/4000028", timeline=1), _base("0/2000028", timeline=2)])

    assert gone == ["77/1/0", "77/1/1", "77/2/0", "77/2/1"]


def test_the_log_of_a_timeline_without_a_base_backup_stays() -> None:
    """A restore went back to before the only base backup left, and the next one is being made there."""
    segments = [_segment(number, timeline=timeline) for timeline in (1, 2) for number in range(3)]

    assert _gone(segments, [_base("0/9000028")]) == ["77/1/0", "77/1/1", "77/1/2"]


@pytest.mark.parametrize("bases", [[], [None], [_base("0/5000028"), None]])
def test_without_certainty_about_every_base_backup_no_wal_goes(bases: list[BaseBackup | None]) -> None:
    """One that is just being made, or one whose manifest cannot be read, may need any of it."""
    assert _gone([_segment(number) for number in range(8)], bases) == []


@given(
    starts=st.lists(st.integers(0, 40 * _MIB), min_size=1, max_size=4),
    numbers=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5))),
)
def test_no_base_backup_loses_a_segment_that_it_needs(
    starts: list[int], numbers: list[tuple[int, int]]
) -> None:
    """Recovery reads from where it began, and everything behind that."""
    segments = [_segment(number, timeline=timeline) for timeline, number in numbers]
    bases = [_base(f"0/{start:X}", timeline=3) for start in starts]

    gone = set(_gone(segments, list(bases)))

    for segment in segments:
        assert (segment.key in gone) == all(segment.end <= start for start in starts)
