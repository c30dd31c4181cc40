"""How is the folder of the embedded PostgreSQL made: its cluster, its password, its settings?"""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from opsctl.clients.files import read_text, sync_directory, write_atomically
from opsctl.core.errors import NotReadyError
from opsctl.stack.model import Place, password_file, stack_dir
from opsctl.stack.placement import (
    give_to,
)
from opsctl.stack.ports import HOST

DATABASE = "opsctl"
SUPERUSER = "opsctl"
_SETTINGS_FILE = "opsctl.conf"


# First choice: collation by code point that no later C library can change under the indexes (PostgreSQL 17+).
_LOCALES = (
    ("--locale-provider=builtin", "--locale=C.UTF-8"),
    ("--locale-provider=libc", "--locale=C"),
)


def cluster_dir(place: Place) -> Path:
    """Return PostgreSQL's own data directory, the one that `-D` names."""
    return place.data_dir / "data"


def has_cluster(data_dir: Path) -> bool:
    """Tell whether there is a cluster in a folder."""
    return (data_dir / "data" / "PG_VERSION").is_file()


def prepare_cluster(home: Path, *, place: Place, programs_dir: Path) -> None:
    """Make the database cluster if there is none, and write the settings of this start."""
    is_there = has_cluster(place.data_dir)
    if not is_there:
        _refuse_lost(home, place=place)
    _ensure_password(home, has_cluster=is_there)
    if not is_there:
        _create_cluster(home, place=place, programs_dir=programs_dir)
    _made_note(home).touch()
    settings = cluster_dir(place) / _SETTINGS_FILE
    write_atomically(settings, _settings(place.port), mode=0o600)
    give_to(settings, place.account)


def _made_note(home: Path) -> Path:
    """Return the note that there was a cluster once; it stands outside of the cluster's own folder."""
    return stack_dir(home) / "postgres.made"


def _refuse_lost(home: Path, *, place: Place) -> None:
    """Refuse to begin with an empty database where there was one: it would look well, and be archived as the truth."""
    if _made_note(home).exists():
        raise NotReadyError(
            f"the data of PostgreSQL in `{place.data_dir}` is gone",
            code="STK015",
            why="this stack had a database, and an empty one in its place would look as if all were well",
            fix="bring it back: opsctl dr restore --into live --confirm NAME; or begin with an empty one: "
            f"rm {_made_note(home)}",
        )


def _ensure_password(home: Path, *, has_cluster: bool) -> None:
    path = password_file(home)
    if path.is_file():
        return
    if has_cluster:
        raise NotReadyError(
            f"`{path}` is gone, and the database was made with the password in it",
            code="STK012",
            fix="put the file back; where it is lost, remove the stack's data and import again",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    write_atomically(path, secrets.token_urlsafe(32) + "\n", mode=0o600)


def _create_cluster(home: Path, *, place: Place, programs_dir: Path) -> None:
    """Run initdb in a folder of its own and move the result into place, so that there is never half a cluster."""
    place.data_dir.mkdir(parents=True, exist_ok=True)
    give_to(place.data_dir, place.account)
    place.data_dir.chmod(0o700)
    for abandoned in place.data_dir.glob("initdb-*"):
        # An orphan of a killed `up` may still write here for a moment; what it adds goes next time.
        shutil.rmtree(abandoned, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="initdb-", dir=place.data_dir))
    give_to(work, place.account)
    try:
        password = work / "password"
        write_atomically(password, read_text(password_file(home)), mode=0o600)
        give_to(password, place.account)
        _run_initdb(work, password=password, place=place, programs_dir=programs_dir)
        _include_settings(work / "data")
        (work / "data").rename(cluster_dir(place))
        sync_directory(place.data_dir)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run_initdb(work: Path, *, password: Path, place: Place, programs_dir: Path) -> None:
    account = place.account
    said = ""
    for locale in _LOCALES:
        try:
            done = subprocess.run(
                [
                    str(programs_dir / "initdb"),
                    f"--pgdata={work / 'data'}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--data-checksums",
                    *locale,
                ],
                cwd=work,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            said = str(error)
            break
        if done.returncode == 0:
            return
        said = (done.stderr or done.stdout).strip()[-2000:]
        shutil.rmtree(work / "data", ignore_errors=True)
    raise NotReadyError(
        f"initdb could not make a database in `{place.data_dir}`",
        code="STK013",
        why=said,
        fix="free some space or mend the modes of that folder, then run `opsctl stack up` again",
    )


def _include_settings(cluster: Path) -> None:
    configuration = cluster / "postgresql.conf"
    owner = configuration.stat()
    text = read_text(configuration) + f"\ninclude_if_exists = '{_SETTINGS_FILE}'\n"
    write_atomically(configuration, text, mode=0o600)
    os.chown(configuration, owner.st_uid, owner.st_gid)


def _settings(port: int) -> str:
    """Return the settings of this start; the server itself writes to its standard error, our log file."""
    return f"""\
# Written by `opsctl stack up` at every start; changes made here are lost.
listen_addresses = '{HOST}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
shared_preload_libraries = 'pg_stat_statements'
wal_level = replica
summarize_wal = on
# A base backup and an archiver that was away for a moment find what they need.
wal_keep_size = '128MB'
# The slot of an archiver that never comes back lets go before the disk is full; the next base backup closes the gap.
max_slot_wal_keep_size = '2GB'
track_io_timing = on
log_line_prefix = '%m [%p] %q%u@%d %a '
log_lock_waits = on
log_min_duration_statement = 1000
log_timezone = 'UTC'
timezone = 'UTC'
"""
