"""Which kind of backup is due, and on which one does it build: on the newest of the same server that is not known to be bad."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError, RefusedError
from opsctl.dr.manifest import BackupKind

if TYPE_CHECKING:
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.dr.kept import Kept
    from opsctl.dr.manifest import BackupManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Which server it is, and on which timeline; a restore begins a new one."""

    system_identifier: str
    timeline: int


def server_of(address: "DatabaseAddress") -> Server | None:
    """Return which server answers; None where the role may not know, as on some hosted servers."""
    import psycopg

    from opsctl.clients.postgres import connect

    with connect(address) as connection:
        try:
            row = connection.execute(
                "select system_identifier::text, timeline_id from pg_control_system(), pg_control_checkpoint()"
            ).fetchone()
        except psycopg.Error:
            return None
    return Server(system_identifier=row[0], timeline=row[1]) if row else None


def server_if_up() -> Server | None:
    """Return which server the embedded stack runs; None where it does not run, which a plan does not change."""
    from opsctl.cli import wiring
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.stack.status import stack_status

    try:
        state = stack_status(wiring.settings().home)
        return server_of(
            DatabaseAddress.with_password_file(state.database_url, password_file=state.database_password_file)
        )
    except OpsError:
        return None


def choose_kind(
    asked: BackupKind | None, backups: "tuple[Kept, ...]", *, server: Server | None
) -> "tuple[BackupKind, Kept | None, str]":
    """Return kind, parent and reason.

    Args:
        asked: the kind that was asked for.
        backups: what there is, the newest first.
        server: which one is backed up; None where that is not known.

    Raises:
        RefusedError: DRC073 an incremental one was asked for, and there is nothing to build on.
    """
    from opsctl.cli import wiring

    if asked is BackupKind.FULL or asked is BackupKind.LOGICAL:
        return asked, None, "asked for"
    if asked is None and wiring.settings().project.database.url is not None:
        reason = "`database.url` names a server; --full copies its files where it lets us"
        return BackupKind.LOGICAL, None, reason
    parent, why_not = _parent(backups, server=server)
    if parent is not None:
        return BackupKind.INCREMENTAL, parent, f"builds on {parent.backup_id}"
    if asked is BackupKind.INCREMENTAL:
        raise RefusedError(
            "there is nothing that an incremental backup could build on",
            code="DRC073",
            why=why_not,
            fix="take a full one: opsctl dr backup --full",
        )
    return BackupKind.FULL, None, why_not


def manifest_copy(backup_id: str) -> Path:
    """Return where this machine keeps PostgreSQL's manifest of a backup."""
    from opsctl.cli import dr_place

    return dr_place.notes_folder() / "manifests" / f"{backup_id}.backup_manifest"


def _parent(backups: "tuple[Kept, ...]", *, server: Server | None) -> "tuple[Kept | None, str]":
    """Return the backup to build on, else why there is none."""
    physical = [each for each in backups if each.kind is not BackupKind.LOGICAL]
    if not physical:
        return None, "there is none yet"
    newest = physical[0]
    chain, why_not = _chain(newest, {each.backup_id: each for each in physical})
    why_not = why_not or _too_old(chain[-1]) or _other_server(newest.manifest, server)
    if not why_not and not manifest_copy(newest.backup_id).is_file():
        why_not = f"PostgreSQL's manifest of {newest.backup_id} is not on this machine"
    return (None, why_not) if why_not else (newest, "")


def _chain(newest: "Kept", known: "dict[str, Kept]") -> "tuple[list[Kept], str]":
    """Return a backup and those that it builds on, the full one last; else why one cannot build on it."""
    from opsctl.dr.kept import Mark

    chain = [newest]
    while True:
        last = chain[-1]
        if last.manifest is None:
            return chain, f"{last.backup_id} cannot be read on this machine"
        if last.verified is not None and last.verified.mark is Mark.BAD:
            return chain, f"{last.backup_id} was found bad"
        if last.manifest.parent is None:
            return chain, ""
        parent = known.get(last.manifest.parent)
        if parent is None or parent in chain:
            return chain, f"{last.manifest.parent} is gone"
        chain.append(parent)


def _too_old(full: "Kept") -> str:
    from opsctl.cli import dr_place, wiring
    from opsctl.core.units import parse_duration

    most = timedelta(seconds=parse_duration(dr_place.book().schedule.full_every))
    if wiring.clock().now() - full.started_at > most:
        return "the last full one is older than `schedule.full_every`"
    return ""


def _other_server(manifest: "BackupManifest | None", server: Server | None) -> str:
    """Return why PostgreSQL would not build on a backup: its notes of changed blocks begin anew with a timeline."""
    if server is None or manifest is None or manifest.base is None:
        return ""
    if manifest.base.system_identifier != server.system_identifier:
        return f"{manifest.backup_id} is of another server"
    if manifest.base.timeline != server.timeline:
        return f"the server was restored since {manifest.backup_id}, and is on timeline {server.timeline}"
    return ""
