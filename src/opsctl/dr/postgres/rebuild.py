"""How do a chain of base backups and the archived log become a data directory that can be recovered to a point."""

import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.files import file_error
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import run
from opsctl.clients.processes import Account
from opsctl.core.errors import FailedError, NotReadyError, RefusedError
from opsctl.core.events import Listener, Noted, PhaseAdvanced, PhaseStarted
from opsctl.dr.manifest import BaseBackup
from opsctl.dr.ports import Vault
from opsctl.dr.postgres.archive_reading import read_history, read_segment
from opsctl.dr.postgres.chain import RestoreChain
from opsctl.dr.postgres.private_folder import make_private_folder
from opsctl.dr.postgres.server_manifest import read_server_manifest
from opsctl.dr.postgres.tar_files import unpack
from opsctl.dr.postgres.wal import Segment

_SUBJECT = "postgres"
# Each holds a segment or two in memory; a repository far away is waited for in parallel.
_FETCHERS = 4
_VERIFIED = "backup successfully verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A data directory at the end of its base backup, and the log that leads on; both in one folder."""

    folder: Path
    chain: RestoreChain

    @property
    def data(self) -> Path:
        """Return PostgreSQL's data directory."""
        return self.folder / "data"

    @property
    def wal(self) -> Path:
        """Return the folder of archived segments."""
        return self.folder / "wal"


def materialise(
    chain: RestoreChain, *, vault: Vault, programs: PostgresPrograms, into: Path, listener: Listener
) -> Rebuilt:
    """Fetch, combine and verify everything into a new folder; where it fails, that folder is gone again.

    Raises:
        RefusedError: DRC028 there is something in the folder.
        NotReadyError: DRC039 it would not fit; FIL001, PGP001-PGP004; whatever the vault raises.
        FailedError: DRC022, DRC023, DRC029, DRC035, DRC037: something of it is damaged.
    """
    for name in ("pg_verifybackup", *(["pg_combinebackup"] if len(chain.bases) > 1 else [])):
        programs.require_same(name, server_version=version_number(chain.newest))
    rebuilt = Rebuilt(folder=into, chain=chain)
    with _new_folder(into, needed_bytes=chain.space_bytes, account=programs.account):
        _fetch_wal(rebuilt, vault=vault, account=programs.account, listener=listener)
        members = [
            _fetch_base(base, vault=vault, into=into / f"base-{number}", programs=programs, listener=listener)
            for number, base in enumerate(chain.bases)
        ]
        _put_together(members, rebuilt=rebuilt, programs=programs, listener=listener)
        _strip(rebuilt.data)
    return rebuilt


def version_number(base: BaseBackup) -> int:
    """Return the version of a backup's server as numbers are compared, such as 180000."""
    found = re.match(r"\d+", base.server_version, re.ASCII)
    return int(found[0]) * 10_000 if found else 0


@contextmanager
def _new_folder(path: Path, *, needed_bytes: int, account: Account | None) -> Iterator[None]:
    """Make a folder with room enough, and remove it where the work in it fails."""
    try:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        if path.exists() or path.is_symlink():
            raise RefusedError(
                f"there is something in `{path}` already",
                code="DRC028",
                why="a restore never writes over anything",
                fix="name a folder that is not there yet",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_room(path.parent, needed_bytes=needed_bytes)
        make_private_folder(path, account=account)
    except OSError as error:
        raise file_error(error, path=path, doing="make") from error
    try:
        yield
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)
        raise file_error(error, path=path, doing="restore into") from error
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _require_room(folder: Path, *, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise NotReadyError(
            f"there is no room for the restore in `{folder}`",
            code="DRC039",
            why=f"it takes about {needed_bytes:,} bytes, and {free:,} are free",
            fix=f"free some space, or restore elsewhere: df -h {folder}",
        )


def _fetch_wal(rebuilt: Rebuilt, *, vault: Vault, account: Account | None, listener: Listener) -> None:
    archive, segments = rebuilt.chain.archive, rebuilt.chain.segments
    make_private_folder(rebuilt.wal, account=account)
    for timeline in archive.histories:
        data = read_history(vault, archive, timeline)
        _write(rebuilt.wal / f"{timeline:08X}.history", data, account=account)

    def fetch(segment: Segment) -> None:
        data = read_segment(vault, archive, segment)
        _write(rebuilt.wal / segment.name(archive.segment_bytes), data, account=account)

    phase = "fetch log"
    listener(PhaseStarted(subject=_SUBJECT, phase=phase, total=len(segments), unit="segments"))
    with ThreadPoolExecutor(_FETCHERS, thread_name_prefix="wal") as pool:
        try:
            for done in as_completed([pool.submit(fetch, segment) for segment in segments]):
                done.result()
                listener(PhaseAdvanced(subject=_SUBJECT, phase=phase, advance=1))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write(path: Path, data: bytes, *, account: Account | None) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        if account is not None:
            os.fchown(stream.fileno(), account.uid, account.gid)


def _fetch_base(
    base: BaseBackup, *, vault: Vault, into: Path, programs: PostgresPrograms, listener: Listener
) -> Path:
    phase = f"fetch {into.name}"
    listener(PhaseStarted(subject=_SUBJECT, phase=phase, total=base.tar.size_bytes, unit="bytes"))

    def followed() -> Iterator[bytes]:
        for piece in vault.get(base.tar):
            listener(PhaseAdvanced(subject=_SUBJECT, phase=phase, advance=len(piece)))
            yield piece

    make_private_folder(into, account=programs.account)
    unpack(followed(), into=into, account=programs.account)
    manifest = b"".join(vault.get(base.manifest))
    read_server_manifest(manifest)
    if not (into / "backup_manifest").is_file() or (into / "backup_manifest").read_bytes() != manifest:
        raise FailedError(
            "the manifest in a base backup is another one than that beside it",
            code="DRC023",
            why="somebody changed one of them, or they are of two backups",
            fix="restore from another backup: opsctl dr list",
        )
    return into


def _put_together(
    members: list[Path], *, rebuilt: Rebuilt, programs: PostgresPrograms, listener: Listener
) -> None:
    if len(members) == 1:
        members[0].rename(rebuilt.data)
    else:
        for member in members:
            # Blocks are taken out of these files, and nothing else looks whether they are what the server sent.
            _verify(member, "--no-parse-wal", programs=programs, listener=listener)
        _combine(members, into=rebuilt.data, programs=programs, listener=listener)
        for member in members:
            shutil.rmtree(member)
    _verify(rebuilt.data, programs=programs, listener=listener)


def _combine(members: list[Path], *, into: Path, programs: PostgresPrograms, listener: Listener) -> None:
    listener(Noted(subject=_SUBJECT, message=f"combining {len(members)} backups"))
    # Files that did not change are linked, which costs nothing; their originals go right afterwards.
    options = ("--link", "--no-sync", "--manifest-checksums=SHA256", f"--output={into}")
    outcome = run(programs, "pg_combinebackup", *options, *map(str, members))
    if outcome.exit_code != 0 or not (into / "backup_manifest").is_file():
        raise FailedError(
            "the backups cannot be combined",
            code="DRC029",
            why=outcome.words,
            fix="restore from an older backup: opsctl dr list",
        )


def _verify(folder: Path, *options: str, programs: PostgresPrograms, listener: Listener) -> None:
    """Have PostgreSQL compare every file with the manifest."""
    listener(Noted(subject=_SUBJECT, message=f"verifying {folder.name}"))
    outcome = run(programs, "pg_verifybackup", *options, str(folder))
    if outcome.exit_code != 0 or not any(_VERIFIED in line for line in outcome.output):
        raise FailedError(
            "PostgreSQL finds the base backup damaged",
            code="DRC029",
            why=outcome.words,
            fix="restore from an older backup: opsctl dr list",
        )


def _strip(data: Path) -> None:
    """Remove what is of the old server only: its slots would keep the log of the new one for nobody."""
    for slot in (data / "pg_replslot").glob("*"):
        shutil.rmtree(slot)
    for name in ("postmaster.pid", "standby.signal", "recovery.signal"):
        (data / name).unlink(missing_ok=True)
