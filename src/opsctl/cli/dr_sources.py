"""From which servers, folders and settings does a backup of this project take what it keeps."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.cli.backends import Backends
    from opsctl.clients.postgres_programs import PostgresPrograms
    from opsctl.core.events import Listener
    from opsctl.dr.backup import Sources
    from opsctl.dr.manifest import BaseBackup, Dump, SealedFile, SecretName
    from opsctl.dr.vault import Vault
    from opsctl.dr.vectors.take_all import TakenVectors

_MANIFEST_NAME = "backup_manifest"


def sources(
    servers: "Backends",
    *,
    vault: "Vault",
    is_logical: bool,
    parent_manifest: bytes | None,
    keep_manifest: Path,
    listener: "Listener",
) -> "Sources":
    """Return where everything comes from.

    Args:
        servers: the stores.
        vault: where it goes.
        is_logical: by a dump instead of the files.
        parent_manifest: PostgreSQL's manifest of the backup on which this one builds; None for a full one.
        keep_manifest: where this machine keeps a copy of PostgreSQL's manifest, to build on.
        listener: hears of every phase.
    """
    from opsctl.dr.backup import Sources

    base = partial(
        _base,
        servers,
        vault=ManifestKeeper(vault, keep_manifest),
        parent_manifest=parent_manifest,
        listener=listener,
    )
    return Sources(
        vectors=partial(_vectors, servers, vault=vault, listener=listener),
        base=None if is_logical else base,
        dump=partial(_dump, servers, vault=vault, listener=listener) if is_logical else None,
        configuration=partial(_configuration, vault=vault),
        migrations=partial(_migrations, servers),
        secrets=_secrets,
        tools=_tools(servers),
    )


def programs() -> "PostgresPrograms":
    """Return PostgreSQL's programs: those of the embedded stack, else those on PATH."""
    from opsctl.cli import wiring
    from opsctl.clients.postgres_programs import PostgresPrograms
    from opsctl.core.errors import NotReadyError
    from opsctl.stack.model import PartName
    from opsctl.stack.placement import choose_account, choose_programs_dir
    from opsctl.stack.record import read_stack_record

    settings = wiring.settings()
    place = read_stack_record(settings.home).places.get(PartName.POSTGRES)
    if place is not None and place.programs_dir is not None:
        return PostgresPrograms(folder=place.programs_dir, account=place.account)
    account = choose_account(settings.home)
    try:
        return PostgresPrograms(folder=choose_programs_dir(account=account), account=account)
    except NotReadyError:  # without the wheel of the embedded one
        return PostgresPrograms(account=account)


def client_programs() -> "PostgresPrograms":
    """Return the programs that dump and load, run by ourselves: they write into folders that nobody else may enter.

    Only the server refuses to be run by root.
    """
    from dataclasses import replace

    return replace(programs(), account=None)


class ManifestKeeper:
    """A vault that keeps a readable copy of PostgreSQL's manifest on this machine (`dr.ports.FileVault`).

    What is in the repository may be encrypted for a key that is not here; the next incremental backup needs this one.
    """

    def __init__(self, vault: "Vault", copy: Path) -> None:
        self._vault = vault
        self._copy = copy

    def put(self, key: str, pieces: Iterable[bytes]) -> "SealedFile":
        """Keep a content, and a copy of it where it is the manifest."""
        from opsctl.clients.files import write_atomically

        if not key.endswith(_MANIFEST_NAME):
            return self._vault.put(key, pieces)
        data = b"".join(pieces)
        kept = self._vault.put(key, [data])
        write_atomically(self._copy, data, mode=0o600)
        return kept

    def get(self, file: "SealedFile") -> Iterator[bytes]:
        """Yield a content."""
        return self._vault.get(file)


def secret_files() -> tuple[Path, ...]:
    """Return the files in which the settings say that secrets are."""
    from opsctl.cli import dr_place, wiring

    settings = wiring.settings()
    project = settings.project
    named: Sequence[str | None] = (
        project.qdrant.api_key_file,
        project.database.password_file,
        project.embedding.api_key_file,
        project.supabase.key_file,
        dr_place.book().encryption.identity_file,
    )
    return tuple(settings.root / name for name in named if name is not None)


def _base(
    servers: "Backends",
    prefix: str,
    *,
    vault: ManifestKeeper,
    parent_manifest: bytes | None,
    listener: "Listener",
) -> "BaseBackup":
    from opsctl.dr.postgres.base_backup import take_base_backup

    return take_base_backup(
        servers.database_address(),
        programs=programs(),
        vault=vault,
        prefix=prefix,
        parent_manifest=parent_manifest,
        listener=listener,
    )


def _dump(servers: "Backends", prefix: str, *, vault: "Vault", listener: "Listener") -> "Dump":
    from opsctl.cli import dr_place
    from opsctl.dr.postgres.dump import DumpPlan, take_dump

    spool = dr_place.notes_folder() / "dump"
    return take_dump(
        servers.database_address(),
        plan=DumpPlan(spool=spool, jobs=dr_place.book().jobs),
        programs=client_programs(),
        vault=vault,
        prefix=prefix,
        listener=listener,
    )


def _vectors(servers: "Backends", prefix: str, *, vault: "Vault", listener: "Listener") -> "TakenVectors":
    from opsctl.cli import wiring
    from opsctl.clients.qdrant_snapshots import QdrantSnapshots
    from opsctl.dr.vectors.ports import Taking
    from opsctl.dr.vectors.take_all import take_all

    with QdrantSnapshots(servers.vectors_place()) as node:
        here = Taking(
            store=servers.vectors(),
            vault=vault,
            read_lsn=partial(_read_lsn, servers),
            clock=wiring.clock(),
            listener=listener,
        )
        return take_all([node], here=here, prefix=prefix)


def _read_lsn(servers: "Backends") -> str | None:
    """Return where the log is now; None where the role may not know."""
    import psycopg

    from opsctl.clients.postgres import connect

    with connect(servers.database_address(), autocommit=True) as connection:
        try:
            row = connection.execute("select pg_current_wal_insert_lsn()::text").fetchone()
        except psycopg.Error:
            return None
    return str(row[0]) if row else None


def _configuration(prefix: str, *, vault: "Vault") -> "SealedFile":
    from opsctl.cli import wiring
    from opsctl.config.settings import PROJECT_FILE
    from opsctl.dr.configuration import pack, project_files

    settings = wiring.settings()
    books = (PROJECT_FILE, *settings.project.books.model_dump().values())
    files = project_files(settings.root, books=books, without=secret_files())
    return vault.put(f"{prefix}/configuration.tar", pack(files, root=settings.root))


def _migrations(servers: "Backends") -> Mapping[str, str]:
    from opsctl.clients.postgres import connect
    from opsctl.store.migrate import applied_migrations

    # Not `servers.database()`, which brings the tables up to date: a backup changes nothing.
    with connect(servers.database_address()) as connection:
        return applied_migrations(connection)


def _secrets() -> "tuple[SecretName, ...]":
    from opsctl.cli import wiring
    from opsctl.config.settings import SECRET_VARIABLES
    from opsctl.dr.manifest import SecretName

    root = wiring.settings().root
    files = [
        SecretName(
            name=path.name,
            origin=str(path.relative_to(root) if path.is_relative_to(root) else path),
            is_present=path.is_file(),
        )
        for path in secret_files()
    ]
    variables = [
        SecretName(name=name, origin="environment", is_present=bool(os.environ.get(name)))
        for name in sorted(SECRET_VARIABLES)
    ]
    return (*files, *variables)


def _tools(servers: "Backends") -> dict[str, Any]:
    from opsctl import __version__

    return {"opsctl": __version__, "vectors": servers.vectors().server_version()}
