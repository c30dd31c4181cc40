"""Which backups may go, and why does each of the others stay; which WAL is older than every backup that stays?"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from opsctl.core.errors import UsageError
from opsctl.dr.manifest import BackupKind, BaseBackup
from opsctl.dr.postgres.wal import parse_lsn


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many backups stay: the newest `at_least`, and the newest of each of the last so many days, weeks, months.

    Days, weeks and months are those of UTC in which a backup ended; those without any backup do not count.

    Raises:
        UsageError: DRC009.
    """

    at_least: int = 2
    daily: int = 7
    weekly: int = 4
    monthly: int = 6

    def __post_init__(self) -> None:
        numbers = (self.at_least, self.daily, self.weekly, self.monthly)
        if min(numbers) < 0 or max(numbers) == 0:
            raise UsageError(
                "a policy of retention keeps no backup",
                code="DRC009",
                why="no number may be negative, and one of them must be more than zero",
                fix="correct `retention` in ops/backup.yaml",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBackup:
    """What retention needs to know of a backup; `is_verified` is None where it was never tried.

    `parent` of an incremental is None where its manifest cannot be read; then it is unknown what it needs.
    """

    backup_id: str
    kind: BackupKind
    parent: str | None
    ended_at: datetime
    is_verified: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The verdict: `kept` has the reasons for each backup that stays, `gone` is in the order in which to remove.

    An incremental goes before what it needs, so a removal that is interrupted leaves none without its parent.
    """

    kept: Mapping[str, tuple[str, ...]]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedSegment:
    """A WAL segment in the repository; `end` is the position behind its last byte, also where not all of it is there."""

    key: str
    system_identifier: str
    timeline: int
    end: int


def decide(backups: Sequence[KeptBackup], *, policy: Policy, now: datetime) -> Retention:
    """Tell which backups may go.

    The newest verified backup never goes, nor anything that a backup needs which stays, nor what seems to come from the
    future or to be older than its own parent: there a clock was wrong. A backup that failed its verification, lacks its
    parent or builds on one that failed takes nobody's place; it may go once a newer one is verified. Dumps and copies of files are counted apart,
    because neither can do what the other can.
    """
    by_id = {backup.backup_id: backup for backup in backups}
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for is_dump in (False, True):
        family = [each for each in backups if (each.kind is BackupKind.LOGICAL) is is_dump]
        for backup, reason in _reasons(family, by_id=by_id, policy=policy, now=now):
            reasons[backup.backup_id].append(reason)
    _add_what_they_need(reasons, backups, by_id)
    gone = [each for each in backups if each.backup_id not in reasons]
    return Retention(
        kept={
            each.backup_id: tuple(reasons[each.backup_id]) for each in backups if each.backup_id in reasons
        },
        gone=tuple(each.backup_id for each in sorted(gone, key=lambda each: _removal_order(each, by_id))),
    )


def removable_segments(
    segments: Iterable[ArchivedSegment], *, bases: Iterable[BaseBackup | None]
) -> Iterator[ArchivedSegment]:
    """Yield the WAL segments that no base backup needs, nor any that is being made.

    Recovery reads from where its base backup began. So what ends before the oldest begin is of no use, on whatever
    timeline: those that follow branch off later. Timelines are not told apart any further, because a branch that looks
    left may be the way back. Of a cluster or a timeline that is newer than every base backup everything stays: its first
    one may just be in the making, and begins, after a restore to an earlier point, before all others. `None` stands for a base backup whose manifest cannot be read; it may need anything, so nothing goes.
    """
    begins: dict[str, int] = {}
    timelines: dict[str, int] = {}
    for base in bases:
        if base is None:
            return
        begin, system = parse_lsn(base.start_lsn), base.system_identifier
        begins[system] = min(begin, begins.get(system, begin))
        timelines[system] = max(base.timeline, timelines.get(system, 0))
    for segment in segments:
        system = segment.system_identifier
        if segment.end <= begins.get(system, 0) and segment.timeline <= timelines[system]:
            yield segment


def _reasons(
    family: Sequence[KeptBackup], *, by_id: Mapping[str, KeptBackup], policy: Policy, now: datetime
) -> Iterator[tuple[KeptBackup, str]]:
    past = sorted((each for each in family if each.ended_at <= now), key=_age, reverse=True)
    sound = [each for each in past if _is_sound(each, by_id)]
    yield from _of_wrong_clocks(family, by_id=by_id, now=now)
    yield from ((each, f"one of the newest {policy.at_least}") for each in sound[: policy.at_least])
    yield from _newest_of_each(sound, policy.daily, lambda at: f"the day {at:%Y-%m-%d}")
    yield from _newest_of_each(sound, policy.weekly, lambda at: f"the week {at:%G-W%V}")
    yield from _newest_of_each(sound, policy.monthly, lambda at: f"the month {at:%Y-%m}")
    yield from _of_verification(past, sound)


def _of_wrong_clocks(
    family: Sequence[KeptBackup], *, by_id: Mapping[str, KeptBackup], now: datetime
) -> Iterator[tuple[KeptBackup, str]]:
    for each in family:
        parent = by_id.get(each.parent or "")
        if each.ended_at > now:
            yield each, "its time has not come yet: a clock was wrong"
        if parent is not None and each.ended_at < parent.ended_at:
            yield each, "it seems older than what it is based on: a clock was wrong"


def _newest_of_each(
    sound: Sequence[KeptBackup], most: int, name_of: Callable[[datetime], str]
) -> Iterator[tuple[KeptBackup, str]]:
    seen: set[str] = set()
    for each in sound:
        name = name_of(each.ended_at.astimezone(UTC))
        if name not in seen and len(seen) < most:
            seen.add(name)
            yield each, f"the newest of {name}"


def _of_verification(
    past: Sequence[KeptBackup], sound: Sequence[KeptBackup]
) -> Iterator[tuple[KeptBackup, str]]:
    """Keep the newest that is verified, and of those that are in doubt what is newer than that."""
    proven = [each for each in past if each.is_verified]
    usable = [each for each in sound if each.is_verified]
    # The newest, and the newest from which a restore would go: mostly the same.
    for each in dict.fromkeys(proven[:1] + usable[:1]):
        yield each, "the newest that is verified"
    for each in past:
        if each not in sound and (not usable or _age(each) > _age(usable[0])):
            yield each, "it is in doubt, and nothing newer is verified"


def _add_what_they_need(
    reasons: defaultdict[str, list[str]], backups: Sequence[KeptBackup], by_id: Mapping[str, KeptBackup]
) -> None:
    """Add what those that stay need, and what that needs in turn, down to the last."""
    wanted = set(reasons)
    due = list(reasons)
    for backup_id in due:
        for needed in _needs(by_id[backup_id], backups, by_id):
            is_new = needed.backup_id not in reasons
            if is_new:
                due.append(needed.backup_id)
            # What stays only for another does not repeat why the rest of that one's chain stays.
            if is_new or backup_id in wanted:
                reasons[needed.backup_id].append(f"{backup_id} needs it")


def _needs(
    backup: KeptBackup, backups: Sequence[KeptBackup], by_id: Mapping[str, KeptBackup]
) -> Iterator[KeptBackup]:
    """Yield what a backup needs: its parent, that one's, and so on; every copy of files where a parent is unknown."""
    seen = {backup.backup_id}
    at: KeptBackup | None = backup
    while at is not None:
        if at.kind is BackupKind.INCREMENTAL and at.parent is None:
            yield from (
                each for each in backups if each.kind is not BackupKind.LOGICAL and each.backup_id not in seen
            )
            return
        at = by_id.get(at.parent) if at.parent is not None and at.parent not in seen else None
        if at is not None:
            seen.add(at.backup_id)
            yield at


def _is_sound(backup: KeptBackup, by_id: Mapping[str, KeptBackup]) -> bool:
    """Tell whether everything that a backup needs is there, down to a full one, and nothing of it was found bad."""
    seen: set[str] = set()
    at: KeptBackup | None = backup
    while at is not None and at.is_verified is not False and at.backup_id not in seen:
        if at.kind is not BackupKind.INCREMENTAL:
            return True
        seen.add(at.backup_id)
        at = by_id.get(at.parent or "")
    return False


def _age(backup: KeptBackup) -> tuple[datetime, str]:
    return backup.ended_at, backup.backup_id


def _removal_order(backup: KeptBackup, by_id: Mapping[str, KeptBackup]) -> tuple[int, datetime, str]:
    """Sort by how long a chain a backup ends; one that may need any other goes before all that need less."""
    seen: set[str] = set()
    at: KeptBackup | None = backup
    while at is not None and at.backup_id not in seen:
        seen.add(at.backup_id)
        if at.kind is BackupKind.INCREMENTAL and at.parent is None:
            return -len(seen) - len(by_id), *_age(backup)
        at = by_id.get(at.parent or "")
    return -len(seen), *_age(backup)
