"""Where is a dump while it is written or read, and of which database is it?"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.files import file_error
from opsctl.clients.processes import Account
from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def new_dump_folder(spool: Path, *, account: Account | None) -> Iterator[Path]:
    """Give the name of a new folder that the account can make, and remove it afterwards."""
    try:
        spool.mkdir(parents=True, exist_ok=True)
        parent = Path(tempfile.mkdtemp(prefix="dump-", dir=spool))
        if account is not None:
            os.chown(parent, account.uid, account.gid)
    except OSError as error:
        raise file_error(error, path=spool, doing="make") from error
    try:
        yield parent / "dump"
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def read_names(connection: "Connection[tuple[Any, ...]]") -> tuple[str, int, str]:
    """Return the version of the server, as text and as number, and the name of the database."""
    row = connection.execute(
        "select current_setting('server_version'), current_setting('server_version_num')::int, current_database()"
    ).fetchone()
    connection.rollback()
    if row is None:
        raise NotReadyError("the server tells nothing of itself", code="DBS001", fix="look at its log")
    return row[0], row[1], row[2]
