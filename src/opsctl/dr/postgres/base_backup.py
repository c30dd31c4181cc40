"""How is the whole of a PostgreSQL server copied while it works: one stream, straight into the vault."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import ProgramOutcome, RunningProgram, running
from opsctl.clients.processes import Account
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, NotReadyError, OpsError, RefusedError
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.dr.manifest import BaseBackup
from opsctl.dr.ports import FileVault
from opsctl.dr.postgres.server import ServerFacts, read_server, require_direct, require_fit_for_base_backup
from opsctl.dr.postgres.server_manifest import ServerManifest, read_server_manifest
from opsctl.dr.postgres.tar_stream import Collected, Sink, TarMember, TarWalker

if TYPE_CHECKING:
    from psycopg import Connection

_MANIFEST = "backup_manifest"
_LABEL = "backup_label"
_SUBJECT = "postgres"
_PHASE = "base backup"


def take_base_backup(
    address: DatabaseAddress,
    *,
    programs: PostgresPrograms,
    vault: FileVault,
    prefix: str,
    parent_manifest: bytes | None,
    listener: Listener,
) -> BaseBackup:
    """Copy the server into the vault, whole, or the blocks that changed since the backup of `parent_manifest`.

    Nothing is put on this machine's disk. A backup that breaks off leaves nothing in the vault.

    Raises:
        RefusedError: DRC020 further tablespaces, DRC021 the server or its address is not fit for it.
        NotReadyError: PGP001-PGP004 of the program; whatever the vault raises.
        FailedError: DRC022 the stream is not whole, DRC023 its manifest is damaged.
    """
    require_direct(address)
    clock = SystemClock()
    began = clock.monotonic()
    with translated_errors(address), connect(address, autocommit=True) as connection:
        facts = read_server(connection)
        require_fit_for_base_backup(facts, is_incremental=parent_manifest is not None)
        programs.require_same("pg_basebackup", server_version=facts.version_number)
        total = facts.cluster_bytes if parent_manifest is None else None
        listener(PhaseStarted(subject=_SUBJECT, phase=_PHASE, total=total, unit="bytes"))
        with _kept_wal(connection), _as_file(parent_manifest, account=programs.account) as parent:
            copy = _Copy(facts, listener=listener)
            options = [*_OPTIONS, *([] if parent is None else [f"--incremental={parent}"])]
            with running(programs, "pg_basebackup", *options, address=address) as program:
                tar = vault.put(f"{prefix}/base.tar", copy.pieces(program))
    data, found = copy.manifest()
    manifest = vault.put(f"{prefix}/{_MANIFEST}", [data])
    listener(
        PhaseFinished(
            subject=_SUBJECT,
            phase=_PHASE,
            duration_seconds=clock.monotonic() - began,
            figures={"bytes": tar.size_bytes, "stored": tar.stored_bytes},
        )
    )
    return BaseBackup(
        tar=tar,
        manifest=manifest,
        system_identifier=facts.system_identifier,
        server_version=facts.version,
        timeline=found.timeline,
        start_lsn=found.start_lsn,
        end_lsn=found.end_lsn,
        wal_segment_bytes=facts.wal_segment_bytes,
        cluster_bytes=facts.cluster_bytes,
    )


_OPTIONS = (
    "--pgdata=-",
    "--format=tar",
    "--wal-method=fetch",
    "--manifest-checksums=SHA256",
    "--checkpoint=fast",
    "--label=opsctl",
)


class _Copy:
    """The stream on its way: what of it is looked at, and whether it was whole."""

    def __init__(self, facts: ServerFacts, *, listener: Listener) -> None:
        self._facts = facts
        self._listener = listener
        self._picked = {name: Collected() for name in (_MANIFEST, _LABEL)}

    def pieces(self, program: RunningProgram) -> Iterator[bytes]:
        """Yield the stream, and raise at its end where it must not be kept."""
        walker = TarWalker(self._pick)
        for piece in program.pieces():
            walker.feed(piece)
            self._listener(PhaseAdvanced(subject=_SUBJECT, phase=_PHASE, advance=len(piece)))
            yield piece
        outcome = program.outcome()
        if outcome.exit_code != 0:
            raise _failure(outcome)
        walker.finish()
        self.manifest()

    def manifest(self) -> tuple[bytes, ServerManifest]:
        """Return PostgreSQL's own manifest, checked.

        Raises:
            FailedError: DRC022 something is not there, or is of another server, DRC023 it is damaged.
        """
        for name, collected in self._picked.items():
            if not collected.is_whole:
                raise _incomplete(f"there is no `{name}` in it")
        data = self._picked[_MANIFEST].data
        found = read_server_manifest(data)
        # Before 17 a manifest did not say whose it is.
        if found.system_identifier not in (None, self._facts.system_identifier):
            raise _incomplete("it is of another server than the one that answers")
        return data, found

    def _pick(self, member: TarMember) -> Sink | None:
        return self._picked.get(member.name)


@contextmanager
def _kept_wal(connection: "Connection[tuple[Any, ...]]") -> Iterator[None]:
    """Have the server keep the log meanwhile, which the stream needs at its end.

    The slot ends with our connection in any case, but only some time after it: who asks for slots then still sees it.
    """
    import psycopg

    name = _reserve_wal(connection)
    try:
        yield
    finally:
        if name is not None:
            # A server that went away has dropped it, and what broke the backup off is what must be told.
            with suppress(psycopg.Error):
                connection.execute("select pg_drop_replication_slot(%s)", (name,))


def _reserve_wal(connection: "Connection[tuple[Any, ...]]") -> str | None:
    """Return the temporary slot for which the server keeps its log from now on; none where it has none to give."""
    import psycopg

    name = f"opsctl_base_backup_{uuid4().hex[:12]}"
    try:
        connection.execute("select set_config('idle_session_timeout', '0', false)")
        connection.execute("select pg_create_physical_replication_slot(%s, true, true)", (name,))
    except psycopg.errors.ConfigurationLimitExceeded:
        # Every slot is taken. `wal_keep_size` may be enough; where it is not, pg_basebackup fails and says so.
        return None
    except psycopg.errors.InsufficientPrivilege as error:
        raise RefusedError(
            "the role may not copy the server",
            code="DRC021",
            why=str(error).strip(),
            fix="let it, or give another one: alter role NAME with replication",
        ) from error
    return name


@contextmanager
def _as_file(data: bytes | None, *, account: Account | None) -> Iterator[Path | None]:
    """Write a manifest where the program can read it, and nobody else."""
    if data is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="opsctl-base-backup-"))
    try:
        path = folder / _MANIFEST
        path.write_bytes(data)
        for each in (folder, path):
            if account is not None:
                os.chown(each, account.uid, account.gid)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _failure(outcome: ProgramOutcome) -> OpsError:
    fix = "mend what it says, then run the command again"
    if "manifest" in outcome.words or "summaries" in outcome.words:
        fix = "the backup before it is of no use for this one, take a full one: opsctl dr backup --full"
    elif "has already been removed" in outcome.words:
        fix = "raise `max_slot_wal_keep_size` or `wal_keep_size` of the server, then run the command again"
    return NotReadyError("`pg_basebackup` failed", code="PGP002", why=outcome.words, fix=fix)


def _incomplete(why: str) -> FailedError:
    return FailedError(
        "the base backup is not whole, and was not kept",
        code="DRC022",
        why=why,
        fix="run the command again; where it fails again, look at the log of the server",
    )
