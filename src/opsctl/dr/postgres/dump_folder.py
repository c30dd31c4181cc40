"""Where is a dump while it is written or read, and of which database is it?"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.file_locks import FileLock
from opsctl.clients.files import file_error
from opsctl.clients.processes import Account
from opsctl.core.errors import NotReadyError, OpsError

if TYPE_CHECKING:
    from psycopg import Connection


_LOCK = "lock"
_PREFIX = "dump-"
# Of no name that is cleared, until it is locked.
_NEW_PREFIX = "new-"


@contextmanager
def new_dump_folder(spool: Path, *, account: Account | None) -> Iterator[Path]:
    """Give the name of a new folder that the account can make, and remove it afterwards."""
    try:
        spool.mkdir(parents=True, exist_ok=True)
        clear_dead(spool)
        parent = Path(tempfile.mkdtemp(prefix=_NEW_PREFIX, dir=spool))
    except OSError as error:
        raise file_error(error, path=spool, doing="make") from error
    try:
        with FileLock(parent / _LOCK, what="a dump"):
            parent = _shown(parent, account=account)
            yield parent / "dump"
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def clear_dead(spool: Path) -> None:
    """Remove dumps whose process was killed: each is a whole database, in the clear."""
    for folder in spool.glob(f"{_PREFIX}*"):
        # Somebody works with it, or it is not ours to look into.
        with suppress(OpsError), FileLock(folder / _LOCK, what="clearing up"):
            shutil.rmtree(folder, ignore_errors=True)


def _shown(parent: Path, *, account: Account | None) -> Path:
    """Give a folder that is locked its name, and to its account."""
    try:
        if account is not None:
            os.chown(parent, account.uid, account.gid)
        return parent.rename(parent.with_name(_PREFIX + parent.name.removeprefix(_NEW_PREFIX)))
    except OSError as error:
        raise file_error(error, path=parent, doing="make") from error


def read_names(connection: "Connection[tuple[Any, ...]]") -> tuple[str, int, str]:
    """Return the version of the server, as text and as number, and the name of the database."""
    row = connection.execute(
        "select current_setting('server_version'), current_setting('server_version_num')::int, current_database()"
    ).fetchone()
    connection.rollback()
    if row is None:
        raise NotReadyError("the server tells nothing of itself", code="DBS001", fix="look at its log")
    return row[0], row[1], row[2]
