"""A life of a server as its repository holds it: what was committed when, so that a test knows what must come back."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.dr.postgres.own_server import OwnServer
from tests.dr.postgres.running_archiver import RunningArchiver

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.repository_folder import FolderRepository
from opsctl.clients.sealing import Sealing
from opsctl.core.clock import SystemClock
from opsctl.core.events import ignore
from opsctl.dr.manifest import BackupKind, BackupManifest, BaseBackup
from opsctl.dr.postgres.archive import WalArchive, read_archive
from opsctl.dr.postgres.archive_reading import read_lineages
from opsctl.dr.postgres.base_backup import take_base_backup
from opsctl.dr.postgres.chain import RestoreChain, choose_chain
from opsctl.dr.postgres.private_server import private_server
from opsctl.dr.postgres.rebuild import materialise
from opsctl.dr.postgres.recover import Recovered, recover
from opsctl.dr.postgres.target import Target
from opsctl.dr.postgres.wal import parse_lsn
from opsctl.dr.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Rows 1-10 are in `full`, 1-20 in `incremental`, 1-30 at `lsn`, `time` and the point `here`, 1-40 at the end."""

    server: OwnServer
    repository: Path
    spool: Path
    full: BackupManifest
    incremental: BackupManifest
    lsn: int
    time: datetime

    @property
    def both(self) -> list[BackupManifest]:
        """Return both backups."""
        return [self.full, self.incremental]


def vault_of(repository: Path) -> Vault:
    """Return the view of a folder."""
    return Vault(FolderRepository(repository), Sealing())


def record_history(server: OwnServer, folder: Path) -> History:
    """Let a server live, with an archiver."""
    repository = folder / "repository"
    archiver = RunningArchiver(server=server, repository=repository, spool=folder / "spool").start()
    try:
        server.insert(1, 10)
        full = take_backup(server, repository, name="full", parent=None)
        server.insert(11, 20)
        incremental = take_backup(server, repository, name="incremental", parent=full)
        server.insert(21, 30)
        server.value("select pg_create_restore_point('here')::text")
        lsn = parse_lsn(server.value("select pg_current_wal_lsn()::text"))
        at = datetime.now(UTC)
        time.sleep(0.01)
        server.insert(31, 40)
        archiver.wait_until_shipped()
        assert archiver.stop() == 0
    finally:
        archiver.end()
    return History(
        server=server,
        repository=repository,
        spool=folder / "spool",
        full=full,
        incremental=incremental,
        lsn=lsn,
        time=at,
    )


def take_backup(
    server: OwnServer, repository: Path, *, name: str, parent: BackupManifest | None
) -> BackupManifest:
    """Take a base backup, and say of it what a manifest says."""
    vault, started_at = vault_of(repository), datetime.now(UTC)
    parent_manifest = b"".join(vault.get(base_of(parent).manifest)) if parent is not None else None
    base = take_base_backup(
        server.address(),
        programs=server.programs,
        vault=vault,
        prefix=f"backups/{name}/1/postgres",
        parent_manifest=parent_manifest,
        listener=ignore,
    )
    return BackupManifest(
        backup_id=name,
        kind=BackupKind.FULL if parent is None else BackupKind.INCREMENTAL,
        parent=parent.backup_id if parent is not None else None,
        started_at=started_at,
        ended_at=datetime.now(UTC),
        base=base,
        dump=None,
        vectors=(),
        aliases={},
        golden=(),
        configuration=None,
        migrations={},
        secrets=(),
    )


def base_of(manifest: BackupManifest) -> BaseBackup:
    """Return the base backup, which there is."""
    assert manifest.base is not None
    return manifest.base


def archive_in(repository: Path, *, like: BackupManifest) -> WalArchive:
    """Return the log of a backup's server."""
    return read_archive(
        vault_of(repository),
        system_identifier=base_of(like).system_identifier,
        segment_bytes=base_of(like).wal_segment_bytes,
    )


def chain_in(repository: Path, backups: Sequence[BackupManifest], target: Target) -> RestoreChain:
    """Return what is needed to go to a target."""
    archive = archive_in(repository, like=backups[0])
    lineages = read_lineages(vault_of(repository), archive)
    return choose_chain(backups, archive=archive, lineages=lineages, target=target)


def restore(
    server: OwnServer, repository: Path, backups: Sequence[BackupManifest], *, target: Target, into: Path
) -> Recovered:
    """Bring a server back in a new folder."""
    rebuilt = materialise(
        chain_in(repository, backups, target),
        vault=vault_of(repository),
        programs=server.programs,
        into=into,
        listener=ignore,
    )
    return recover(rebuilt, programs=server.programs, user="opsctl", listener=ignore, clock=SystemClock())


def rows_in(recovered: Recovered, server: OwnServer) -> list[int]:
    """Return the canary's rows of a restored server, which is started for that."""
    with private_server(
        recovered.data,
        programs=server.programs,
        settings={},
        work=recovered.data.parent,
        clock=SystemClock(),
    ) as private:
        address = private.address(user="opsctl")
        private.wait_until_ready(user="opsctl", clock=SystemClock())
        return rows_at(address)


def rows_at(address: DatabaseAddress) -> list[int]:
    """Return the canary's rows."""
    with connect(address) as connection:
        return [seq for (seq,) in connection.execute("select seq from canary order by seq").fetchall()]
