"""What does the archiver note of itself, for whoever asks how much would be lost now?"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import NotReadyError

_MAY_BE_NEVER = "lost_at"
_MOMENTS = ("noted_at", "shipped_at", _MAY_BE_NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiverStatus:
    """What the archiver knew when it last looked.

    Args:
        noted_at: when that was.
        shipped_at: everything that was committed by then is in the repository; the first archiver of a spool says when
            it began, until it knows better.
        shipped_lsn: the position in the log that belongs to it.
        waiting_bytes: received, and not in the repository yet.
        is_receiving: the server sends.
        system_identifier: of the server whose log it is.
        timeline: on which that is.
        lost: what of the log can never be archived any more, where something was lost; until a new base backup mends
            it, `shipped_at` stays.
        lost_at: when that was seen.
        trouble: what goes wrong just now.
    """

    noted_at: datetime
    shipped_at: datetime
    shipped_lsn: str | None = None
    waiting_bytes: int = 0
    is_receiving: bool = False
    system_identifier: str | None = None
    timeline: int | None = None
    lost: str | None = None
    lost_at: datetime | None = None
    trouble: str | None = None


def write_status(path: Path, status: ArchiverStatus) -> None:
    """Replace the note.

    Raises:
        NotReadyError: FIL001, FIL003.
    """
    values = asdict(status) | {
        name: moment.isoformat() for name in _MOMENTS if (moment := getattr(status, name)) is not None
    }
    write_atomically(path, json.dumps(values, indent=2, sort_keys=True) + "\n")


def read_status(path: Path) -> ArchiverStatus | None:
    """Return the note; None where no archiver ever ran.

    Raises:
        NotReadyError: DRC036 when it is damaged.
    """
    if not path.is_file():
        return None
    try:
        values = json.loads(read_text(path))
        for name in _MOMENTS:
            if name != _MAY_BE_NEVER or values.get(name) is not None:
                values[name] = datetime.fromisoformat(values[name])
        return ArchiverStatus(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotReadyError(
            f"`{path}` is not what an archiver notes",
            code="DRC036",
            why=str(error),
            fix="look whether the archiver runs: opsctl stack status",
        ) from error
