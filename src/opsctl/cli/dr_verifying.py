"""How are backups of this project verified, and what is written down of it: a mark beside the backup, a record in the ledger."""

import json
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from opsctl.dr.manifest import BackupKind

if TYPE_CHECKING:
    from opsctl.cli.dr_restoring import Way
    from opsctl.core.events import Listener
    from opsctl.dr.kept import Kept
    from opsctl.dr.manifest import SealedFile
    from opsctl.dr.restore import RestoreReport
    from opsctl.dr.vault import Vault
    from opsctl.dr.verify import VerifyReport


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
    from opsctl.cli import dr_place, dr_restoring
    from opsctl.dr.kept import choose

    place = dr_restoring.place_of(offsite=offsite)
    vault = dr_place.vault(place)
    backups = dr_place.catalogue(vault).backups()
    chosen = choose(backups, backup)
    wanted = backups if everything else (chosen,)
    return tuple(
        _verify(
            each,
            is_newest=each is backups[0],
            vault=vault,
            place=place,
            stored_only=stored_only,
            listener=listener,
        )
        for each in wanted
    )


def _verify(
    kept: "Kept",
    *,
    is_newest: bool,
    vault: "Vault",
    place: str | None,
    stored_only: bool,
    listener: "Listener",
) -> "VerifyReport":
    from opsctl.cli import dr_place, wiring
    from opsctl.core.units import parse_duration
    from opsctl.dr.evidence import verify_evidence
    from opsctl.dr.kept import Mark
    from opsctl.dr.verify import Depth, unreadable, verify

    clock = wiring.clock()
    if kept.manifest is None:
        report = unreadable(kept.backup_id, why=kept.trouble or "", clock=clock)
    else:
        way = None
        if kept.kind is not BackupKind.LOGICAL:
            way = partial(_way, kept, is_newest=is_newest, place=place)
        report = verify(
            kept.backup_id,
            files=_files(kept, vault=vault),
            vault=vault,
            trial=None if stored_only or way is None else partial(_trial, way, listener=listener),
            clock=clock,
            listener=listener,
        )
    mark = Mark.GOOD if report.is_good else Mark.BAD
    if report.is_good and report.depth is Depth.STORED:
        return report  # hashes alone do not make a verified backup, but a wrong one makes a bad one
    dr_place.catalogue(vault).mark(kept.backup_id, at=clock.now(), mark=mark, report=_as_json(report))
    valid_for = timedelta(seconds=parse_duration(dr_place.book().schedule.verify_every))
    wiring.record(verify_evidence(report, key=kept.key, valid_for=valid_for))
    return report


def _way(kept: "Kept", *, is_newest: bool, place: str | None) -> "Way":
    """Return the way to be tried: with all of the log from the newest backup, to their own end from the others."""
    from opsctl.cli import dr_restoring
    from opsctl.dr.postgres.target import Latest

    asked = dr_restoring.Asked(target=Latest(), place=place, backup=None if is_newest else kept.backup_id)
    return dr_restoring.way_to(asked)


def _trial(way: "partial[Way]", *, listener: "Listener") -> "RestoreReport":
    from opsctl.cli import dr_restoring, wiring
    from opsctl.dr.restore import Step, restore

    found = way()
    with dr_restoring.trial(found, listener=listener) as site:
        return restore(
            site,
            backup_id=found.newest.backup_id,
            target=found.target,
            clock=wiring.clock(),
            listener=listener,
            skip=(Step.HAND_OVER,),
        )


def _files(kept: "Kept", *, vault: "Vault") -> "tuple[SealedFile, ...]":
    """Return the files of a backup and the base backups on which it builds."""
    from opsctl.cli import dr_place

    known = {each.backup_id: each.manifest for each in dr_place.catalogue(vault).backups()}
    manifest, files = kept.manifest, list(kept.manifest.files if kept.manifest else ())
    while manifest is not None and manifest.parent is not None:
        manifest = known.get(manifest.parent)
        if manifest is not None and manifest.base is not None:
            files += [manifest.base.tar, manifest.base.manifest]
    return tuple(files)


def _as_json(report: "VerifyReport") -> bytes:
    return json.dumps(asdict(report), default=str, sort_keys=True).encode()
