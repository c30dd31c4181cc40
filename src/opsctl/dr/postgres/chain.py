"""From which backups, and with which of the archived log, does a server come back to a point; if not, why not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC

from opsctl.core.errors import FailedError, OpsError
from opsctl.dr.manifest import BackupManifest, BaseBackup
from opsctl.dr.postgres.archive import WalArchive
from opsctl.dr.postgres.target import AtLsn, AtName, AtTime, Latest, Target
from opsctl.dr.postgres.wal import (
    PAGE_BYTES,
    Coverage,
    Lineage,
    Segment,
    cover,
    format_lsn,
    newest_lineage,
    parse_lsn,
)

_SEE = "see what there is: opsctl dr list"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreChain:
    """What is fetched for a restore: a full backup and its incremental ones, and the log that follows them.

    `end` is how far the log reaches; `lineage` leads there.
    """

    backups: tuple[BackupManifest, ...]
    target: Target
    lineage: Lineage
    segments: tuple[Segment, ...]
    archive: WalArchive
    end: int

    @property
    def bases(self) -> tuple[BaseBackup, ...]:
        """Return the base backups, the full one first."""
        return tuple(each.base for each in self.backups if each.base is not None)

    @property
    def newest(self) -> BaseBackup:
        """Return the base backup from which the log goes on."""
        return self.bases[-1]

    @property
    def space_bytes(self) -> int:
        """Return how much room is needed: every backup unpacked, what is combined of them, and the log."""
        unpacked = sum(each.tar.size_bytes for each in self.bases)
        combined = self.newest.cluster_bytes if len(self.bases) > 1 else 0
        return unpacked + combined + len(self.segments) * self.newest.wal_segment_bytes


def choose_chain(
    manifests: Sequence[BackupManifest],
    *,
    archive: WalArchive,
    lineages: Sequence[Lineage],
    target: Target,
    without: Collection[str] = (),
    timeline: int | None = None,
) -> RestoreChain:
    """Return the newest backup that ends before the target, with its parents, and the log from there to the target.

    Args:
        manifests: of all backups; those of another server, and logical ones, do not count.
        archive: what is kept of the log.
        lineages: where its timelines come from.
        target: the point to go to.
        without: names of backups that are known to be damaged.
        timeline: to follow; the newest without one.

    Raises:
        FailedError: DRC024 no backup ends before the target, DRC025 the archive ends before it, DRC026 a part of the
            log is missing before a position or the end, DRC027 no backup has all its parents.
    """
    known = {each.backup_id: each for each in manifests if each.backup_id not in without}
    ways = _ways([each for each in known.values() if _is_of(each, archive)], lineages, timeline=timeline)
    fitting = [way for way in ways if _ends_before(way.manifest, target)]
    broken: OpsError | None = None
    for way in sorted(fitting, key=_Way.age, reverse=True):
        try:
            backups = _with_parents(way.manifest, known)
        except FailedError as error:
            broken = broken or error
            continue
        coverage = _coverage(_base(way.manifest), archive=archive, lineage=way.lineage, target=target)
        return RestoreChain(
            backups=backups,
            target=target,
            lineage=way.lineage,
            segments=coverage.segments,
            archive=archive,
            end=coverage.end,
        )
    raise broken or _too_early(ways, target)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A backup, and the timeline to which one comes from it."""

    manifest: BackupManifest
    lineage: Lineage

    def age(self) -> tuple[int, str]:
        """Return what orders backups of one way, the oldest first."""
        return parse_lsn(_base(self.manifest).end_lsn), self.manifest.backup_id


def _ways(
    manifests: Sequence[BackupManifest], lineages: Sequence[Lineage], *, timeline: int | None
) -> list[_Way]:
    """Return the backups that lead to the timeline wanted; those of a branch that was given up lead elsewhere."""
    ways = []
    for manifest in manifests:
        place = _base(manifest).timeline, parse_lsn(_base(manifest).end_lsn)
        if timeline is None:
            lineage = newest_lineage(lineages, timeline=place[0], lsn=place[1])
        else:
            lineage = next(
                (each for each in lineages if each.timeline == timeline), Lineage(timeline=timeline)
            )
        if lineage.passes(timeline=place[0], lsn=place[1]):
            ways.append(_Way(manifest=manifest, lineage=lineage))
    newest = max((way.lineage.timeline for way in ways), default=0)
    return [way for way in ways if way.lineage.timeline == newest]


def _ends_before(manifest: BackupManifest, target: Target) -> bool:
    match target:
        case Latest() | AtName():
            return True
        case AtTime(time):
            return manifest.ended_at <= time
        case AtLsn(lsn):
            return parse_lsn(_base(manifest).end_lsn) <= lsn


def _coverage(base: BaseBackup, *, archive: WalArchive, lineage: Lineage, target: Target) -> Coverage:
    """Return what of the log follows the base, which itself holds every segment up to its own end."""
    size = base.wal_segment_bytes
    last_inside = (parse_lsn(base.end_lsn) - 1) // size
    # A timeline that begins within that segment has one of its own.
    is_inside = lineage.timeline_at(last_inside, segment_bytes=size) == base.timeline
    start = (last_inside + is_inside) * size
    until = target.lsn if isinstance(target, AtLsn) else None
    coverage = cover(archive.held, start=start, lineage=lineage, segment_bytes=size, until=until)
    if coverage.missing:
        if not isinstance(target, AtTime | AtName):
            raise _gap(coverage, target, size=size)
        # Where these are is seen when the log is replayed: PostgreSQL refuses to end before them.
        coverage = _before_gap(coverage)
    # What was written of a segment ends in its last byte that is not zero, less than a page before its true end. How
    # far the records really go is seen when they are replayed.
    if until is not None and coverage.end + PAGE_BYTES <= until:
        raise _beyond(coverage.end, target)
    return coverage


def _before_gap(coverage: Coverage) -> Coverage:
    """Return what can be replayed; of a segment that is cut short its beginning, too."""
    last = coverage.missing[0].number
    there = tuple(each for each in coverage.segments if each.number <= last)
    return Coverage(segments=there, missing=(), end=coverage.end)


def _is_of(manifest: BackupManifest, archive: WalArchive) -> bool:
    return manifest.base is not None and manifest.base.system_identifier == archive.system_identifier


def _base(manifest: BackupManifest) -> BaseBackup:
    if manifest.base is None:
        raise _broken(manifest.backup_id, why="it is a logical one")
    return manifest.base


def _with_parents(manifest: BackupManifest, known: "dict[str, BackupManifest]") -> tuple[BackupManifest, ...]:
    """Return a backup and those that it builds on, the full one first.

    Raises:
        FailedError: DRC027.
    """
    way = [manifest]
    while (parent_name := way[-1].parent) is not None:
        child, parent = way[-1], known.get(parent_name)
        if parent is None:
            raise _broken(manifest.backup_id, why=f"it builds on `{parent_name}`, which is gone or damaged")
        if parent in way:
            raise _broken(manifest.backup_id, why="it builds on itself")
        if _base(parent).system_identifier != _base(child).system_identifier:
            raise _broken(manifest.backup_id, why=f"`{parent_name}` is of another server")
        if parse_lsn(_base(parent).start_lsn) > parse_lsn(_base(child).start_lsn):
            raise _broken(manifest.backup_id, why=f"`{parent_name}` is newer than what builds on it")
        way.append(parent)
    return tuple(reversed(way))


def _too_early(ways: Sequence[_Way], target: Target) -> FailedError:
    if not ways:
        why = "there is no base backup of this server that leads there"
    else:
        oldest = min(ways, key=_Way.age).manifest
        ended = f"{oldest.ended_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC at {_base(oldest).end_lsn}"
        why = (
            f"the oldest backup `{oldest.backup_id}` ended {ended}, and none can go to a point before its end"
        )
    return FailedError(f"{target.shown} cannot be reached", code="DRC024", why=why, fix=_SEE)


def _beyond(end: int, target: Target) -> FailedError:
    return FailedError(
        f"{target.shown} cannot be reached",
        code="DRC025",
        why=f"the archived log ends at {format_lsn(end)}",
        fix="restore to where it ends: --to latest",
    )


def _gap(coverage: Coverage, target: Target, *, size: int) -> FailedError:
    first = coverage.missing[0]
    more = f" and {len(coverage.missing) - 1} more" if len(coverage.missing) > 1 else ""
    return FailedError(
        f"{target.shown} cannot be reached",
        code="DRC026",
        why=f"`{first.name(size)}`{more} of the archived log is missing",
        fix=f"restore to a point before it: --to {format_lsn(coverage.end)}",
    )


def _broken(backup_id: str, *, why: str) -> FailedError:
    return FailedError(f"backup `{backup_id}` cannot be restored", code="DRC027", why=why, fix=_SEE)
