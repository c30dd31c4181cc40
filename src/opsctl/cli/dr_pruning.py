"""How are old backups removed: those that the book does not keep, then the log that no backup needs any more."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError

if TYPE_CHECKING:
    from opsctl.clients.repository import Repository, StoredObject
    from opsctl.dr.kept import Kept
    from opsctl.dr.retention import Retention
    from opsctl.dr.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went, and why the rest stayed; `leftovers` never were backups, or were half removed."""

    gone: tuple[str, ...]
    kept: Mapping[str, tuple[str, ...]]
    objects: int
    size_bytes: int
    replaced: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()


def prune(*, replaced: bool, dry_run: bool) -> Pruned:
    """Remove what `retention` does not keep.

    Raises:
        RefusedError: DRC074 a manifest cannot be read here, so nobody knows what it needs. FIL002 the stack is being
            restored. STK016 with `replaced`, what is aside may be the only copy: a restore was killed in the middle.
    """
    from opsctl.cli import dr_place, wiring
    from opsctl.clients.file_locks import FileLock
    from opsctl.stack.exchange import require_whole

    folder = dr_place.notes_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    repository, vault = dr_place.repository(), dr_place.vault()
    with FileLock(folder / "backup.lock", what="pruning"), dr_place.restoring(what="pruning"):
        if replaced:
            require_whole(wiring.settings().home)
        backups = dr_place.catalogue(vault).backups()
        _require_readable(backups)
        decided = _decide(backups)
        left = _leftovers(repository, notes=folder)
        going = [*_objects(backups, decided, vault=vault), *left]
        aside = _put_aside() if replaced else ()
        for found in going if not dry_run else ():
            repository.delete(found.key)
        for path in aside if not dry_run else ():
            shutil.rmtree(path)
    return Pruned(
        gone=decided.gone,
        kept=decided.kept,
        objects=len(going),
        size_bytes=sum(found.size_bytes for found in going),
        replaced=tuple(map(str, aside)),
        leftovers=tuple(dict.fromkeys(found.key.split("/")[1] for found in left)),
    )


def _leftovers(repository: "Repository", *, notes: Path) -> "tuple[StoredObject, ...]":
    from opsctl.cli import wiring
    from opsctl.dr.kept import BACKUPS
    from opsctl.dr.leftovers import leftovers
    from opsctl.dr.unfinished import unfinished_id

    found = leftovers(
        repository.list(f"{BACKUPS}/"),
        unfinished=unfinished_id(notes / "unfinished.json"),
        now=wiring.clock().now(),
    )
    return tuple(found)


def _put_aside() -> tuple[Path, ...]:
    """Return the folders that restores have moved aside, of every part."""
    from opsctl.cli import wiring
    from opsctl.stack.record import read_stack_record

    places = read_stack_record(wiring.settings().home).places.values()
    parents = {folder for place in places for folder in (place.data_dir, place.data_dir.parent)}
    found = {path for parent in parents for path in parent.glob("*.replaced-*") if path.is_dir()}
    return tuple(sorted(found))


def _decide(backups: "tuple[Kept, ...]") -> "Retention":
    from opsctl.cli import dr_place, wiring
    from opsctl.dr.kept import Mark
    from opsctl.dr.retention import KeptBackup, Policy, decide

    chosen = dr_place.book().retention
    known = [
        KeptBackup(
            backup_id=each.backup_id,
            kind=each.kind,
            parent=each.manifest.parent if each.manifest else None,
            ended_at=each.manifest.ended_at if each.manifest else each.started_at,
            is_verified=each.verified.mark is Mark.GOOD if each.verified else None,
        )
        for each in backups
    ]
    policy = Policy(
        at_least=chosen.at_least, daily=chosen.daily, weekly=chosen.weekly, monthly=chosen.monthly
    )
    return decide(known, policy=policy, now=wiring.clock().now())


def _objects(
    backups: "tuple[Kept, ...]", decided: "Retention", *, vault: "Vault"
) -> "Iterator[StoredObject]":
    """Yield what goes, the manifest of each backup first: a backup that is half gone must not look like one."""
    from opsctl.cli import dr_place
    from opsctl.dr.kept import BACKUPS

    repository = dr_place.repository()
    keys = {each.backup_id: each.key for each in backups}
    for name in decided.gone:
        manifest = repository.find(keys[name])
        if manifest is not None:
            yield manifest
        yield from (found for found in repository.list(f"{BACKUPS}/{name}/") if found.key != keys[name])
    yield from _log(backups, decided, vault=vault)


def _log(backups: "tuple[Kept, ...]", decided: "Retention", *, vault: "Vault") -> "Iterator[StoredObject]":
    """Yield the segments that no kept base backup needs."""
    from opsctl.cli import dr_place
    from opsctl.dr.postgres.archive import read_archive
    from opsctl.dr.retention import ArchivedSegment, removable_segments

    repository = dr_place.repository()
    staying = [each.manifest for each in backups if each.backup_id not in decided.gone]
    bases = [each.base for each in staying if each is not None and each.base is not None]
    for base in {each.system_identifier: each for each in bases}.values():
        size = base.wal_segment_bytes
        archive = read_archive(vault, system_identifier=base.system_identifier, segment_bytes=size)
        segments = [
            ArchivedSegment(
                key=piece.key,
                system_identifier=base.system_identifier,
                timeline=segment.timeline,
                end=(segment.number + 1) * size,
            )
            for segment, pieces in archive.pieces.items()
            for piece in pieces
        ]
        for each in removable_segments(segments, bases=bases):
            found = repository.find(each.key)
            if found is not None:
                yield found


def _require_readable(backups: "tuple[Kept, ...]") -> None:
    unreadable = [each for each in backups if each.manifest is None]
    if unreadable:
        raise RefusedError(
            f"{len(unreadable)} backups cannot be read here, so nothing is removed",
            code="DRC074",
            why=f"what they need is not known; {unreadable[0].backup_id}: {unreadable[0].trouble}",
            fix="give the key: `encryption.identity_file` in ops/backup.yaml, or OPSCTL_BACKUP_IDENTITY",
        )
