"""What of the log can never be archived any more, and is there a base backup yet that needs nothing of it?"""

from dataclasses import dataclass
from datetime import datetime

from opsctl.dr.archiver.status import ArchiverStatus
from opsctl.dr.kept import BACKUPS, started_at_of
from opsctl.dr.manifest import BackupKind
from opsctl.dr.ports import NamedVault

_MANIFEST = "manifest@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What was lost, and when that was seen."""

    words: str
    seen_at: datetime


def noted_loss(status: ArchiverStatus) -> Loss | None:
    """Return the loss that an archiver before this one has noted."""
    if status.lost is None:
        return None
    return Loss(words=status.lost, seen_at=status.lost_at or status.noted_at)


def is_mended(loss: Loss, vault: NamedVault) -> bool:
    """Tell whether a base backup has begun since. Its name says so: to open it takes a key that no archiver has.

    Raises:
        OpsError: whatever the vault raises.
    """
    return any(_began_after(loss.seen_at, key) for key in vault.keys_named(BACKUPS))


def _began_after(moment: datetime, key: str) -> bool:
    _, _, path = key.partition("/")
    backup_id, _, name = path.partition("/")
    began = started_at_of(backup_id)
    is_base = name.startswith(_MANIFEST) and f"-{BackupKind.LOGICAL}-" not in backup_id
    return is_base and began is not None and began > moment
