"""What of a backup is left that is none: of one that was killed and never went on, or of a removal that was interrupted."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from opsctl.clients.repository import StoredObject
from opsctl.dr.kept import started_at_of

# A killed backup goes on within a day, and no upload takes a week; what looks so old may also be one with a wrong clock.
_OLD_ENOUGH = timedelta(days=7)
_MANIFEST = "manifest"


def leftovers(
    objects: Iterable[StoredObject], *, unfinished: str | None, now: datetime
) -> Iterator[StoredObject]:
    """Yield the objects of folders of backups without a manifest that are old by their name and by every object.

    Args:
        objects: of all backups, in the order of their keys.
        unfinished: name of the backup that this machine has begun, which may go on.
        now: the time; the name has that of whoever made it, an object that of who keeps it.
    """
    for backup_id, found in groupby(objects, key=lambda each: _backup_id(each.key)):
        started_at = started_at_of(backup_id)
        together = tuple(found)
        if started_at is None or backup_id == unfinished or any(map(_is_of_manifest, together)):
            continue
        if all(now - at > _OLD_ENOUGH for at in (started_at, *(each.modified_at for each in together))):
            yield from together


def _backup_id(key: str) -> str:
    return (*key.split("/"), "")[1]


def _is_of_manifest(found: StoredObject) -> bool:
    """Tell whether something is a manifest, or was one before somebody gave it another name; or is no folder at all."""
    name = (*found.key.split("/"), "")[2]
    return not name or name.startswith(_MANIFEST)
