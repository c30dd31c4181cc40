"""What would a restore take: from which backups, how much of the log, how much room, and about how long."""

from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.dr.manifest import BackupManifest
from opsctl.dr.postgres.chain import RestoreChain
from opsctl.dr.postgres.wal import format_lsn

# Bytes a second from the repository to a running stack, measured by `make bench` on two cores; only for the forecast.
_BYTES_A_SECOND = 40 * 1024**2
_START_SECONDS = 10.0
# A collection of a few thousand points is received, opened and compared in two to three seconds there.
_COLLECTION_SECONDS = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """What would be done, before anything is touched."""

    backups: tuple[str, ...]
    vectors_from: str | None
    collections: int
    target: str
    reaches: str | None
    segments: int
    fetched_bytes: int
    space_bytes: int
    forecast_seconds: float
    into: str
    replaces: tuple[str, ...]
    left_out: tuple[str, ...]


def plan_restore(
    chain: RestoreChain | None,
    *,
    target: str,
    vectors: BackupManifest | None,
    into: str,
    replaces: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> RestorePlan:
    """Return the plan of a restore.

    Args:
        chain: what PostgreSQL is made from; None where it is left as it is.
        target: the point, as messages say it.
        vectors: the backup whose snapshots are put back; None builds them from the truth.
        into: where it goes.
        replaces: what is there already and would be moved aside.
        left_out: backups that are passed over, because a verification found them bad.
    """
    snapshots = vectors.vectors if vectors is not None else ()
    segments, log = 0, 0
    if chain is not None:
        segments = len(chain.segments)
        log = segments * chain.newest.wal_segment_bytes
    fetched = log + sum(each.snapshot.stored_bytes for each in snapshots)
    # A snapshot is received beside where it is unpacked.
    space = 2 * sum(each.snapshot.size_bytes for each in snapshots)
    if chain is not None:
        fetched += sum(base.tar.stored_bytes for base in chain.bases)
        space += chain.space_bytes
    return RestorePlan(
        backups=() if chain is None else tuple(each.backup_id for each in chain.backups),
        vectors_from=vectors.backup_id if vectors is not None else None,
        collections=len(snapshots),
        target=target,
        reaches=None if chain is None else format_lsn(chain.end),
        segments=segments,
        fetched_bytes=fetched,
        space_bytes=space,
        forecast_seconds=_START_SECONDS + _COLLECTION_SECONDS * len(snapshots) + fetched / _BYTES_A_SECOND,
        into=into,
        replaces=tuple(replaces),
        left_out=tuple(left_out),
    )
