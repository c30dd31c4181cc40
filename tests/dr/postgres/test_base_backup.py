"""A base backup goes straight into the repository, whole or not at all, and says why it cannot be taken."""

import io
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.dr.postgres.history import take_backup, vault_of
from tests.dr.postgres.own_server import OwnServer

from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.core.errors import FailedError, NotReadyError, OpsError, RefusedError
from opsctl.core.events import Event, PhaseAdvanced, PhaseFinished, PhaseStarted, ignore
from opsctl.dr.manifest import BaseBackup, SealedFile
from opsctl.dr.postgres.base_backup import take_base_backup
from opsctl.dr.postgres.server_manifest import read_server_manifest
from opsctl.dr.vault import Vault


class BreakingVault:
    """A vault whose repository goes away in the middle of a file."""

    def __init__(self, vault: Vault, *, port: int) -> None:
        self._vault = vault
        self._port = port
        self.copying: list[int] = []
        """The programs that copied from the server at this port when it went away."""

    def put(self, key: str, pieces: Iterable[bytes]) -> SealedFile:
        """Take half a mebibyte."""

        def broken() -> Iterator[bytes]:
            taken = 0
            for piece in pieces:
                yield piece
                taken += len(piece)
                if taken > 1 << 19:
                    self.copying = programs_running("pg_basebackup", port=self._port)
                    raise NotReadyError("nobody answers", code="REP008")

        return self._vault.put(key, broken())

    def get(self, file: SealedFile) -> Iterator[bytes]:
        """Return nothing."""
        return self._vault.get(file)


def take(
    server: OwnServer,
    vault: Vault | BreakingVault,
    *,
    parent_manifest: bytes | None = None,
    programs: PostgresPrograms | None = None,
    listener=ignore,
) -> BaseBackup:
    """Take a base backup."""
    return take_base_backup(
        server.address(),
        programs=programs or server.programs,
        vault=vault,
        prefix="backups/b/1/postgres",
        parent_manifest=parent_manifest,
        listener=listener,
    )


def objects_in(repository: Path) -> list[str]:
    """Return what is in a repository."""
    return sorted(str(path.relative_to(repository)) for path in repository.rglob("*") if path.is_file())


def programs_running(name: str, *, port: int) -> list[int]:
    """Return the pids of a program's processes that were told of the server at a port: others may run beside these tests."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                argv = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argv[0].endswith(name.encode()) and f"port={port}".encode() in b" ".join(argv).split():
                found.append(int(entry.name))
    return found


@pytest.mark.slow
def test_a_base_backup_is_two_files_that_agree_with_the_server(server: OwnServer, tmp_path: Path) -> None:
    """The tar file has everything in it, the manifest is beside it, and the way was told in bytes."""
    heard: list[Event] = []
    vault = vault_of(tmp_path / "repository")

    base = take(server, vault, listener=heard.append)

    manifest = b"".join(vault.get(base.manifest))
    with tarfile.open(fileobj=io.BytesIO(b"".join(vault.get(base.tar)))) as tar:
        names = set(tar.getnames())
    assert {"backup_label", "backup_manifest", "global/pg_control", "postgresql.conf"} <= names
    assert not any(name.startswith("pg_replslot/") for name in names)
    assert base.system_identifier == server.value("select system_identifier::text from pg_control_system()")
    assert read_server_manifest(manifest).start_lsn == base.start_lsn
    assert (base.timeline, base.wal_segment_bytes) == (1, 16 * 1024 * 1024)
    started, finished = heard[0], heard[-1]
    assert isinstance(started, PhaseStarted)
    assert isinstance(finished, PhaseFinished)
    assert started.total == base.cluster_bytes
    assert sum(each.advance for each in heard if isinstance(each, PhaseAdvanced)) == base.tar.size_bytes
    assert finished.figures["bytes"] == base.tar.size_bytes


@pytest.mark.slow
def test_an_incremental_backup_is_small(server: OwnServer, tmp_path: Path) -> None:
    """It holds what changed, and the log of its own time."""
    full = take_backup(server, tmp_path / "repository", name="one", parent=None)
    second = take_backup(server, tmp_path / "repository", name="two", parent=full)

    assert full.base is not None
    assert second.base is not None
    assert second.base.tar.stored_bytes < full.base.tar.stored_bytes / 5


def test_a_repository_that_goes_away_leaves_no_half_backup(server: OwnServer, tmp_path: Path) -> None:
    """Nor a program that goes on copying for nobody, nor a slot."""
    vault = BreakingVault(vault_of(tmp_path / "repository"), port=server.port)

    with pytest.raises(NotReadyError, match="nobody answers"):
        take(server, vault)

    assert objects_in(tmp_path / "repository") == []
    assert len(vault.copying) == 1
    assert programs_running("pg_basebackup", port=server.port) == []
    assert server.execute("select slot_name from pg_replication_slots where temporary") == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_leaves_no_half_backup(server: OwnServer, tmp_path: Path) -> None:
    """The repository is on a disk of one mebibyte."""
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with pytest.raises(NotReadyError) as raised:
            take(server, vault_of(small / "repository"))
        left = objects_in(small)
    finally:
        subprocess.run(["umount", small], check=True)

    assert (raised.value.code, left) == ("FIL001", [])


def test_a_server_with_further_tablespaces_is_refused(server: OwnServer, open_folder: Path) -> None:
    """They would be streams of their own; nothing is copied in part."""
    place = open_folder / "tablespace"
    place.mkdir()
    if server.programs.account is not None:
        os.chown(place, server.programs.account.uid, server.programs.account.gid)
    server.execute(f"create tablespace elsewhere location '{place}'")
    try:
        with pytest.raises(RefusedError) as raised:
            take(server, vault_of(open_folder / "unused"))
    finally:
        server.execute("drop tablespace elsewhere")

    assert raised.value.code == "DRC020"
    assert not (open_folder / "unused").exists()


def test_a_manifest_of_another_server_is_no_parent(server: OwnServer, tmp_path: Path) -> None:
    """The fix is a full backup."""
    vault = vault_of(tmp_path / "repository")
    full = take(server, vault)
    own = b"".join(vault.get(full.manifest))
    other = own.replace(full.system_identifier.encode(), b"7000000000000000001")

    with pytest.raises(OpsError) as raised:
        take(server, vault_of(tmp_path / "second"), parent_manifest=other)

    assert raised.value.code == "PGP002"
    assert "--full" in str(raised.value.fix)
    assert objects_in(tmp_path / "second") == []


def test_without_summaries_there_is_no_incremental_backup(server: OwnServer, tmp_path: Path) -> None:
    """The setting that is missing is named."""
    server.execute("alter system set summarize_wal = off")
    server.execute("select pg_reload_conf()")
    try:
        with pytest.raises(RefusedError) as raised:
            take(server, vault_of(tmp_path / "repository"), parent_manifest=b"{}")
    finally:
        server.execute("alter system reset summarize_wal")
        server.execute("select pg_reload_conf()")

    assert raised.value.code == "DRC021"
    assert "summarize_wal" in str(raised.value.why)


def test_a_role_that_may_not_replicate_is_refused(server: OwnServer, tmp_path: Path) -> None:
    """With the statement that lets it."""
    server.execute("create role mere login password 'secret'")
    address = replace(server.address(), url=server.address().url.replace("opsctl@", "mere@"))
    try:
        with pytest.raises(RefusedError) as raised:
            take_base_backup(
                address,
                programs=server.programs,
                vault=vault_of(tmp_path / "repository"),
                prefix="b",
                parent_manifest=None,
                listener=ignore,
            )
    finally:
        server.execute("drop role mere")

    assert raised.value.code == "DRC021"
    assert "replication" in str(raised.value.fix)


def test_an_address_of_a_pooler_is_refused(server: OwnServer, tmp_path: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(RefusedError, match="pooler"):
        take_base_backup(
            replace(server.address(), through_pooler=True),
            programs=server.programs,
            vault=vault_of(tmp_path / "repository"),
            prefix="b",
            parent_manifest=None,
            listener=ignore,
        )


def test_programs_of_another_version_are_refused(server: OwnServer, tmp_path: Path) -> None:
    """A program that says that it is of version 17."""
    program = tmp_path / "programs" / "pg_basebackup"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'pg_basebackup (PostgreSQL) 17.2'\n")
    program.chmod(0o755)

    with pytest.raises(NotReadyError) as raised:
        take(server, vault_of(tmp_path / "r"), programs=PostgresPrograms(folder=program.parent))

    assert raised.value.code == "PGP003"
    assert "PostgreSQL 17, the server of 18" in raised.value.message


@pytest.mark.parametrize("what", ["breaks off", "lies"])
def test_a_program_that_ends_well_is_not_believed(server: OwnServer, tmp_path: Path, what: str) -> None:
    """It exits with 0, and its stream is not whole, or has no manifest."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo("backup_label")
        info.size = 5000
        tar.addfile(info, io.BytesIO(b"x" * 5000))
    content = stream.getvalue()
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "stream").write_bytes(content[:3000] if what == "breaks off" else content)
    program = folder / "pg_basebackup"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec echo "pg_basebackup (PostgreSQL) 18"\ncat {folder}/stream\n'
    )
    program.chmod(0o755)

    with pytest.raises(FailedError) as raised:
        take(server, vault_of(tmp_path / "repository"), programs=PostgresPrograms(folder=folder))

    assert raised.value.code == "DRC022"
    assert objects_in(tmp_path / "repository") == []


def test_a_manifest_is_checked_by_its_own_digest(server: OwnServer, tmp_path: Path) -> None:
    """Any byte of it."""
    vault = vault_of(tmp_path / "repository")
    data = b"".join(vault.get(take(server, vault).manifest))
    shutil.rmtree(tmp_path / "repository")

    for at in (0, 100, len(data) // 2, len(data) - 200, len(data) - 60):
        damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(FailedError) as raised:
            read_server_manifest(damaged)
        assert raised.value.code == "DRC023"
    with pytest.raises(FailedError):
        read_server_manifest(data[:-100])
