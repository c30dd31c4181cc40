"""How is a backup of this project made: which kind, on what it builds, and what is written down of it."""

import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import OpsError, UsageError
from opsctl.dr.manifest import BackupKind

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.dr.kept import Kept
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.unfinished import Beginning

_GRACE_SHARE = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """What a backup would be, and why."""

    kind: BackupKind
    parent: str | None
    place: str
    offsite: str | None
    encrypted_for: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was made."""

    manifest: "BackupManifest"
    place: str
    seconds: float
    evidence: str


def document_of(done: Done) -> "dict[str, Any]":
    """Return what was made for programs, without golden queries: their vectors are long, and mean nothing elsewhere."""
    manifest = {
        each.name: getattr(done.manifest, each.name)
        for each in fields(done.manifest)
        if each.name != "golden"
    }
    return {"manifest": manifest, "place": done.place, "seconds": done.seconds, "evidence": done.evidence}


def asked_kind(*, full: bool, incremental: bool, logical: bool) -> BackupKind | None:
    """Return the kind that was asked for.

    Raises:
        UsageError: DRC072 for two at once.
    """
    asked = [
        kind
        for kind, is_asked in (
            (BackupKind.FULL, full),
            (BackupKind.INCREMENTAL, incremental),
            (BackupKind.LOGICAL, logical),
        )
        if is_asked
    ]
    if len(asked) > 1:
        raise UsageError(
            f"a backup is {' or '.join(asked)}, not both", code="DRC072", fix="leave one of the options out"
        )
    return asked[0] if asked else None


def plan(asked: BackupKind | None) -> BackupPlan:
    """Return what a backup would be now."""
    from opsctl.cli import dr_place
    from opsctl.cli.dr_choosing import choose_kind, server_if_up

    book = dr_place.book()
    vault = dr_place.vault()
    kind, parent, reason = choose_kind(asked, dr_place.catalogue(vault).backups(), server=server_if_up())
    return BackupPlan(
        kind=kind,
        parent=parent.backup_id if parent else None,
        place=vault.place,
        offsite=book.offsite,
        encrypted_for=len(book.encryption.recipients),
        reason=reason,
    )


def back_up(asked: BackupKind | None, *, listener: "Listener") -> Done:
    """Make a backup, copy it off-site where that is wanted, and add its evidence to the ledger.

    Raises:
        OpsError: also where only the copy off-site failed; then the backup is kept, and the ledger says what failed.
    """
    from opsctl.cli import dr_place, dr_sources, wiring
    from opsctl.cli.dr_choosing import choose_kind, manifest_copy, server_of
    from opsctl.clients.file_locks import FileLock
    from opsctl.dr.backup import take_backup
    from opsctl.dr.evidence import backup_evidence
    from opsctl.dr.postgres.dump_folder import clear_dead
    from opsctl.dr.unfinished import open_unfinished

    clock, book, folder = wiring.clock(), dr_place.book(), dr_place.notes_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        FileLock(folder / "backup.lock", what="a backup"),
        wiring.backends(listener) as servers,
    ):
        began, now = clock.monotonic(), clock.now()
        for spool in (folder / "dump", folder / "load"):
            clear_dead(spool)
        vault = dr_place.vault()
        catalogue = dr_place.catalogue(vault)
        backups = catalogue.backups()
        kind, parent, _ = choose_kind(asked, backups, server=server_of(servers.database_address()))
        settings = f"{vault.place} {book.model_dump_json(include={'encryption', 'compression'})}"
        beginning = _beginning(kind, parent, now=now, settings=settings)
        kept = [each.backup_id for each in backups]
        notes = open_unfinished(folder / "unfinished.json", beginning, now=now, kept=kept)
        made = take_backup(
            dr_sources.sources(
                servers,
                vault=vault,
                is_logical=kind is BackupKind.LOGICAL,
                parent_manifest=_postgres_manifest(parent) if parent else None,
                keep_manifest=manifest_copy(notes.beginning.backup_id),
                listener=listener,
            ),
            notes=notes,
            catalogue=catalogue,
            clock=clock,
        )
        trouble = _trouble_offsite(listener)
    seconds = clock.monotonic() - began
    record = wiring.record(
        backup_evidence(
            made.manifest,
            key=made.key,
            seconds=seconds,
            valid_for=_valid_for(book.schedule.backup_every),
            trouble=trouble,
        )
    )
    if trouble is not None:
        raise _only_here(trouble, backup_id=made.manifest.backup_id) from trouble
    return Done(manifest=made.manifest, place=vault.place, seconds=seconds, evidence=record.id)


def _beginning(kind: BackupKind, parent: "Kept | None", *, now: datetime, settings: str) -> "Beginning":
    from opsctl.dr.kept import new_backup_id
    from opsctl.dr.unfinished import Beginning

    return Beginning(
        backup_id=new_backup_id(kind, now=now, token=secrets.token_hex(3)),
        kind=kind,
        parent=parent.backup_id if parent else None,
        started_at=now,
        settings=settings,
    )


def _postgres_manifest(parent: "Kept") -> bytes:
    from opsctl.cli.dr_choosing import manifest_copy

    return manifest_copy(parent.backup_id).read_bytes()


def _trouble_offsite(listener: "Listener") -> OpsError | None:
    """Copy what the second place lacks, and return what kept it from that: the ledger is to know of it."""
    try:
        _copy_offsite(listener)
    except OpsError as error:
        return error
    return None


def _only_here(trouble: OpsError, *, backup_id: str) -> OpsError:
    return type(trouble)(
        f"{trouble.message}; `{backup_id}` is whole, but not off-site: the next backup copies what is missing",
        code=trouble.code,
        why=trouble.why,
        fix=trouble.fix,
        findings=trouble.findings,
    )


def _copy_offsite(listener: "Listener") -> None:
    from opsctl.cli import dr_place, wiring
    from opsctl.dr.kept import BACKUPS, WAL
    from opsctl.dr.offsite import copy_missing

    book = dr_place.book()
    if book.offsite is None:
        return
    # Keys are listed in their order, and digits sort before `manifest`: its files come before the manifest.
    copy_missing(
        dr_place.repository(),
        dr_place.repository(book.offsite),
        prefixes=(f"{WAL}/", f"{BACKUPS}/"),
        listener=listener,
        clock=wiring.clock(),
    )


def _valid_for(every: str) -> timedelta:
    from opsctl.core.units import parse_duration

    return timedelta(seconds=_GRACE_SHARE * parse_duration(every))
