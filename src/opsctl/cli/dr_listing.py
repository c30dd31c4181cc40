"""What is kept, and to which points can one go: the backups, the log that follows them, and what the archiver says."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.dr.archiver.status import ArchiverStatus
    from opsctl.dr.kept import Kept, Verified

# No key is here, or none that fits: the history of the timelines that restores begin is encrypted as all the rest is.
_KEY_CODES = {"SEA003", "SEA004"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The points in time to which a restore can go.

    Args:
        trouble: why the end is not the end of the log.
        needs_key: the log goes on, but after a restore only the secret key tells how far.
    """

    oldest_at: datetime
    oldest_lsn: str
    newest_lsn: str
    trouble: str | None = None
    needs_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Everything that `dr list` shows; what the archiver notes is about the repository of the book only."""

    place: str
    backups: "tuple[Kept, ...]"
    window: Window | None
    archiving: "ArchiverStatus | None"
    is_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedBackup:
    """One backup as programs read it: what a manifest adds up to; None where it cannot be read here."""

    backup_id: str
    kind: str
    parent: str | None
    started_at: datetime
    ended_at: datetime | None
    size_bytes: int | None
    stored_bytes: int | None
    points: int | None
    is_encrypted: bool
    verified: "Verified | None"
    trouble: str | None


def listed(*, offsite: bool) -> Listed:
    """Return what is kept."""
    from opsctl.cli import dr_place, dr_way

    place = dr_way.place_of(offsite=offsite)
    vault = dr_place.vault(place)
    backups = dr_place.catalogue(vault).backups()
    is_ours = vault.place == dr_place.own_place()
    return Listed(
        place=vault.place,
        backups=backups,
        window=_window(backups, place=place),
        archiving=dr_place.archiver_status() if is_ours else None,
        is_ours=is_ours,
    )


def document_of(listed: Listed) -> "dict[str, Any]":
    """Return the list for programs, without the manifests: each holds the vectors of its golden queries."""
    return {
        "place": listed.place,
        "backups": [_listed_backup(each) for each in listed.backups],
        "window": listed.window,
        "archiving": listed.archiving,
    }


def _listed_backup(kept: "Kept") -> ListedBackup:
    manifest = kept.manifest
    return ListedBackup(
        backup_id=kept.backup_id,
        kind=kept.kind,
        parent=manifest.parent if manifest else None,
        started_at=kept.started_at,
        ended_at=manifest.ended_at if manifest else None,
        size_bytes=sum(file.size_bytes for file in manifest.files) if manifest else None,
        stored_bytes=sum(file.stored_bytes for file in manifest.files) if manifest else None,
        points=sum(each.points for each in manifest.vectors) if manifest else None,
        is_encrypted=kept.is_encrypted,
        verified=kept.verified,
        trouble=kept.trouble,
    )


def _window(backups: "tuple[Kept, ...]", *, place: str | None) -> Window | None:
    """Return from the end of the oldest base backup of the newest server to the end of its log."""
    from opsctl.cli import dr_way
    from opsctl.core.errors import OpsError
    from opsctl.dr.postgres.target import Latest
    from opsctl.dr.postgres.wal import format_lsn

    bases = [
        each.manifest for each in backups if each.manifest is not None and each.manifest.base is not None
    ]
    if not bases:
        return None
    newest = bases[0].base
    mine = [
        each
        for each in bases
        if each.base and newest and each.base.system_identifier == newest.system_identifier
    ]
    oldest = mine[-1]
    try:
        chain = dr_way.way_to(dr_way.Asked(target=Latest(), place=place)).chain
        end, trouble, needs_key = format_lsn(chain.end) if chain else "", None, False
    except OpsError as error:
        end, needs_key = newest.end_lsn if newest else "", error.code in _KEY_CODES
        why = f": {error.why}" if error.why else ""
        trouble = None if needs_key else f"{error.code} {error.message}{why}"
    return Window(
        oldest_at=oldest.ended_at,
        oldest_lsn=oldest.base.end_lsn if oldest.base else "",
        newest_lsn=end,
        trouble=trouble,
        needs_key=needs_key,
    )
