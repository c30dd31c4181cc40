"""How are backups of this project verified, and what is written down of it: a mark beside the backup, a record in the ledger."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from opsctl.core.errors import FailedError
from opsctl.core.findings import Finding, Severity
from opsctl.dr.manifest import BackupKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.cli.dr_way import Way
    from opsctl.core.events import Listener
    from opsctl.dr.kept import Kept
    from opsctl.dr.manifest import BackupManifest, BaseBackup
    from opsctl.dr.postgres.archive import WalArchive
    from opsctl.dr.restore import RestoreReport
    from opsctl.dr.vault import Vault
    from opsctl.dr.verify import Contents, VerifyReport


def verified(
    backup: str | None,
    *,
    everything: bool,
    stored_only: bool,
    offsite: bool,
    listener: "Listener",
) -> "tuple[VerifyReport, ...]":
    """Verify one backup, the newest without a name, or all, and write down what came of each.

    Raises:
        UsageError: DRC060 there is none, DRC071 there is no off-site copy; SEA003, SEA004 no key fits.
        NotReadyError: it could not be looked at; nothing is written down then.
    """
    from opsctl.cli import dr_place, dr_way
    from opsctl.dr.kept import choose

    place = dr_way.place_of(offsite=offsite)
    vault = dr_place.vault(place)
    backups = dr_place.catalogue(vault).backups()
    chosen = choose(backups, backup)
    look = _Look(vault=vault, place=place, backups=backups, stored_only=stored_only, listener=listener)
    return tuple(_verify(each, look) for each in (backups if everything else (chosen,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Where something is looked at, and how deep."""

    vault: "Vault"
    place: str | None
    backups: "tuple[Kept, ...]"
    stored_only: bool
    listener: "Listener"

    def is_newest(self, kept: "Kept") -> bool:
        """Tell whether the log goes on from this one."""
        physical = [each for each in self.backups if each.kind is not BackupKind.LOGICAL]
        return bool(physical) and kept is physical[0]


def _verify(kept: "Kept", look: _Look) -> "VerifyReport":
    from opsctl.cli import dr_place, wiring
    from opsctl.core.units import parse_duration
    from opsctl.dr.evidence import verify_evidence
    from opsctl.dr.kept import Mark
    from opsctl.dr.verify import Depth

    clock, catalogue = wiring.clock(), dr_place.catalogue(look.vault)
    report = _report(kept, look)
    mark = Mark.GOOD if report.is_good else Mark.BAD
    if report.is_good and report.depth is Depth.STORED:
        return report  # hashes alone do not make a verified backup, but a wrong one makes a bad one
    if (
        not report.is_of_this_host
    ):  # with such a mark every host would pass over a backup that others can restore
        catalogue.mark(kept.backup_id, at=clock.now(), mark=mark, report=_as_json(report))
    valid_for = timedelta(seconds=parse_duration(dr_place.book().schedule.verify_every))
    wiring.record(verify_evidence(report, key=kept.key, valid_for=valid_for))
    return report


def _report(kept: "Kept", look: _Look) -> "VerifyReport":
    """Return what is found.

    Raises:
        UsageError: SEA003, SEA004 no key opens the manifest: that is no verdict.
    """
    from opsctl.cli import dr_place, wiring
    from opsctl.dr.verify import unreadable, verify

    clock = wiring.clock()
    try:
        manifest = dr_place.catalogue(look.vault).require(kept)
    except FailedError as error:
        why = f"{error.code} {error.message}: {error.why}"
        return unreadable(kept.backup_id, why=why, clock=clock)
    trial = None if look.stored_only else partial(_trial, kept, manifest, look)
    return verify(
        kept.backup_id,
        contents=_contents(kept, manifest, look),
        vault=look.vault,
        trial=trial,
        clock=clock,
        listener=look.listener,
    )


def _trial(kept: "Kept", manifest: "BackupManifest", look: _Look) -> "RestoreReport":
    """Restore it where nobody is disturbed."""
    from opsctl.cli import dr_logical_trial, dr_trial, wiring
    from opsctl.dr.restore import Step, restore

    if manifest.dump is not None:
        return dr_logical_trial.trial(manifest, vault=look.vault, listener=look.listener)
    found = _way(kept, look)
    with dr_trial.trial(found, listener=look.listener) as site:
        return restore(
            site,
            backup_id=found.newest.backup_id,
            target=found.target,
            clock=wiring.clock(),
            listener=look.listener,
            skip=(Step.HAND_OVER,),
        )


def _way(kept: "Kept", look: _Look) -> "Way":
    """Return the way to be tried: with all of the log from the newest backup, to their own end from the others."""
    from opsctl.cli import dr_way
    from opsctl.dr.postgres.target import Latest

    if look.is_newest(kept):
        way = dr_way.way_to(dr_way.Asked(target=Latest(), place=look.place, even_bad=True))
        # After a restore to a point before it, the log goes on from an older one: then it has nothing but its own end.
        if way.newest.backup_id == kept.backup_id:
            return way
    return dr_way.way_to(dr_way.Asked(target=Latest(), place=look.place, backup=kept.backup_id))


def _contents(kept: "Kept", manifest: "BackupManifest", look: _Look) -> "Contents":
    """Return what is stored of a backup and of those on which it builds; of the log too, where no trial reads it."""
    from opsctl.dr.verify import Contents

    known = {each.backup_id: each for each in look.backups}
    files, named, at = list(manifest.files), [kept.key], manifest.parent
    while at is not None and at in known and known[at].key not in named:
        named.append(known[at].key)
        parent = known[at].manifest
        if parent is not None and parent.base is not None:
            files += [parent.base.tar, parent.base.manifest]
        at = parent.parent if parent is not None else None
    lost = () if at is None or at in known else (_without_parent(kept.backup_id, at),)
    if not look.stored_only or not look.is_newest(kept) or manifest.base is None:
        return Contents(files=tuple(files), named=tuple(named), lost=lost)
    archive = _archive_of(manifest.base, look)
    return Contents(
        files=tuple(files),
        named=(*named, *_log_keys(manifest.base, archive)),
        lost=lost,
        is_superseded=partial(_is_superseded, archive=archive, look=look),
    )


def _without_parent(backup_id: str, parent: str) -> Finding:
    return Finding(
        code="DRC027",
        severity=Severity.ERROR,
        title=f"`{backup_id}` builds on `{parent}`, which is gone",
        fix="look whether another copy is whole: opsctl dr verify --offsite; then make a new backup: opsctl dr backup --full",
    )


def _archive_of(base: "BaseBackup", look: _Look) -> "WalArchive":
    from opsctl.dr.postgres.archive import read_archive

    return read_archive(
        look.vault, system_identifier=base.system_identifier, segment_bytes=base.wal_segment_bytes
    )


def _log_keys(base: "BaseBackup", archive: "WalArchive") -> "Iterator[str]":
    """Yield the keys of the log from where the newest backup began."""
    from opsctl.dr.postgres.wal import parse_lsn

    for segment, pieces in archive.pieces.items():
        if segment.number >= parse_lsn(base.start_lsn) // base.wal_segment_bytes:
            yield from (each.key for each in pieces)
    yield from (each.key for histories in archive.histories.values() for each in histories)


def _is_superseded(key: str, *, archive: "WalArchive", look: _Look) -> bool:
    """Tell whether an archiver has put something in the place of a piece of the log that reaches as far."""
    from opsctl.dr.postgres.archive import reach_of
    from opsctl.dr.postgres.archive_reading import pieces_now

    for segment, pieces in archive.pieces.items():
        if any(each.key == key for each in pieces):
            return reach_of(pieces_now(look.vault, archive, segment)) >= reach_of(pieces)
    return False


def _as_json(report: "VerifyReport") -> bytes:
    return json.dumps(asdict(report), default=str, sort_keys=True).encode()
