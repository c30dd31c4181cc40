"""What is kept, and to which points can one go: the backups, the log that follows them, and what the archiver says."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.dr.archiver.status import ArchiverStatus
    from opsctl.dr.kept import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The points in time to which a restore can go; `trouble` says why the end is not the end of the log."""

    oldest_at: datetime
    oldest_lsn: str
    newest_lsn: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Everything that `dr list` shows."""

    place: str
    backups: "tuple[Kept, ...]"
    window: Window | None
    archiving: "ArchiverStatus | None"


def listed(*, offsite: bool) -> Listed:
    """Return what is kept."""
    from opsctl.cli import dr_place, dr_way

    place = dr_way.place_of(offsite=offsite)
    vault = dr_place.vault(place)
    backups = dr_place.catalogue(vault).backups()
    return Listed(
        place=vault.place,
        backups=backups,
        window=_window(backups, place=place),
        archiving=dr_place.archiver_status(),
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
        end, trouble = format_lsn(chain.end) if chain else "", None
    except OpsError as error:
        end, trouble = (
            newest.end_lsn if newest else "",
            f"{error.code} {error.message}{': ' + error.why if error.why else ''}",
        )
    return Window(
        oldest_at=oldest.ended_at,
        oldest_lsn=oldest.base.end_lsn if oldest.base else "",
        newest_lsn=end,
        trouble=trouble,
    )
