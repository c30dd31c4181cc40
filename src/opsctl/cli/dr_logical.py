"""How does a dump come back in an empty database that goes on with it: chosen, planned, loaded, its roles written out?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.clients.postgres_programs import PostgresPrograms
    from opsctl.core.events import Listener
    from opsctl.dr.manifest import BackupManifest, Dump
    from opsctl.dr.postgres.dump_restore import Ownership
    from opsctl.dr.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What would be loaded, and where."""

    backup_id: str
    database: str
    into: str
    tables: int
    rows: int
    fetched_bytes: int
    has_roles: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What was loaded; `renumbered` rows of the outbox got places that this server understands."""

    plan: LoadPlan
    tables: Mapping[str, int]
    renumbered: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRoles:
    """The file with the roles of a backup."""

    backup_id: str
    file: str
    size_bytes: int


def chosen(backup: str | None) -> "tuple[BackupManifest, Vault]":
    """Return a logical backup, the newest without a name, and where it is.

    Raises:
        UsageError: DRC060 there is none, DRC087 it is not a logical one; SEA003, SEA004 no key fits.
        FailedError: DRC003 or another: its manifest is damaged.
    """
    from opsctl.cli import dr_place
    from opsctl.dr.kept import choose
    from opsctl.dr.manifest import BackupKind

    vault = dr_place.vault()
    catalogue = dr_place.catalogue(vault)
    backups = catalogue.backups()
    logical = [each for each in backups if each.kind is BackupKind.LOGICAL]
    manifest = catalogue.require(choose(logical if backup is None else backups, backup))
    if manifest.dump is None:
        raise UsageError(
            f"`{manifest.backup_id}` is not a logical backup",
            code="DRC087",
            why="it holds the files of a server, which are put together and started, not loaded",
            fix=f"opsctl dr restore --backup {manifest.backup_id} --into FOLDER",
        )
    return manifest, vault


def plan(manifest: "BackupManifest", *, address: "DatabaseAddress") -> LoadPlan:
    """Return what would be loaded.

    Raises:
        RefusedError: DRC032 there is something in the database.
    """
    from opsctl.dr.postgres.dump_restore import require_empty

    dump = dump_of(manifest)
    require_empty(address)
    return LoadPlan(
        backup_id=manifest.backup_id,
        database=dump.database,
        into=address.shown,
        tables=len(dump.tables),
        rows=sum(dump.tables.values()),
        fetched_bytes=dump.tar.stored_bytes,
        has_roles=dump.globals is not None,
    )


def load(
    manifest: "BackupManifest",
    *,
    vault: "Vault",
    address: "DatabaseAddress",
    ownership: "Ownership",
    listener: "Listener",
) -> Loaded:
    """Load a dump into an empty database, and compare the rows of every table with what the manifest says."""
    from opsctl.cli import dr_place, dr_sources, wiring

    clock, planned = wiring.clock(), plan(manifest, address=address)
    began = clock.monotonic()
    tables, renumbered = load_dump(
        dump_of(manifest),
        vault=vault,
        address=address,
        ownership=ownership,
        programs=dr_sources.client_programs(),
        spool=dr_place.notes_folder() / "load",
        listener=listener,
    )
    return Loaded(plan=planned, tables=tables, renumbered=renumbered, seconds=clock.monotonic() - began)


def write_roles(
    manifest: "BackupManifest", *, vault: "Vault", to: Path | None, dry_run: bool
) -> WrittenRoles:
    """Write the roles of a backup as SQL, for whoever reads it and runs what is wanted of it; it holds password hashes.

    Raises:
        UsageError: DRC088 the backup has none.
        RefusedError: DRC090 the file is there already.
    """
    from opsctl.clients.files import write_atomically

    if to is None:
        raise AssertionError("asked without a file")
    roles = dump_of(manifest).globals
    if roles is None:
        raise UsageError(
            f"there are no roles in `{manifest.backup_id}`",
            code="DRC088",
            why="the role that made the backup may not read them",
            fix="load it without owners and grants: --no-owners",
        )
    if to.exists():
        raise RefusedError(
            f"`{to}` is there already", code="DRC090", why="nothing is written over", fix="name another file"
        )
    if not dry_run:
        write_atomically(to, b"".join(vault.get(roles)), mode=0o600)
    return WrittenRoles(backup_id=manifest.backup_id, file=str(to), size_bytes=roles.size_bytes)


def address_of(url: str) -> "DatabaseAddress":
    """Return the address of a database by its URL; the password comes from OPSCTL_DATABASE_PASSWORD or the settings' file."""
    from opsctl.cli import wiring
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.stack.places import Places
    from opsctl.stack.status import stack_status

    settings = wiring.settings()
    places = Places(settings, embedded=lambda: stack_status(settings.home))
    password = places.secret("OPSCTL_DATABASE_PASSWORD", settings.project.database.password_file)
    return DatabaseAddress(url=url, password=password)


def load_dump(
    dump: "Dump",
    *,
    vault: "Vault",
    address: "DatabaseAddress",
    ownership: "Ownership",
    programs: "PostgresPrograms",
    spool: Path,
    listener: "Listener",
) -> tuple[dict[str, int], int]:
    """Load a dump, and return the rows of each table and how many places of the outbox were numbered anew."""
    from opsctl.clients.postgres import connect, translated_errors
    from opsctl.dr.postgres.dump_restore import DumpRestorePlan, restore_dump
    from opsctl.dr.postgres.renumber import renumber_outbox

    tables = restore_dump(
        dump,
        address=address,
        plan=DumpRestorePlan(spool=spool, ownership=ownership),
        programs=programs,
        vault=vault,
        listener=listener,
    )
    with translated_errors(address), connect(address, autocommit=True) as connection:
        return tables, renumber_outbox(connection)


def dump_of(manifest: "BackupManifest") -> "Dump":
    """Return the dump of a logical backup."""
    if manifest.dump is None:
        raise AssertionError("a logical backup has a dump")
    return manifest.dump
