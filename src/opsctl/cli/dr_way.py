"""Which way leads to a point: from which backups, with how much of the log, and with which snapshots of the vectors."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from opsctl.core.errors import FailedError, UsageError
from opsctl.dr.manifest import BackupKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opsctl.dr.kept import Catalogue, Kept
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.postgres.chain import RestoreChain
    from opsctl.dr.postgres.target import Target
    from opsctl.dr.vault import Vault


class Only(StrEnum):
    """What alone is restored."""

    VECTORS = "vectors"
    """The database is left as it is: it is the truth, and the point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to get to a point: where from, and with which snapshots of the vectors.

    Args:
        vault: where all of it is.
        chain: what PostgreSQL is made from; None where it is left as it is.
        newest: the backup from which the log goes on; its snapshots are not ahead of any point after it.
        from_truth: build vectors from the database instead.
        left_out: backups that were passed over, because they are damaged or a verification found them bad.
    """

    vault: "Vault"
    chain: "RestoreChain | None"
    newest: "BackupManifest"
    from_truth: bool
    left_out: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """Return the point as messages say it."""
        return "the database as it is" if self.chain is None else self.chain.target.shown


def place_of(*, offsite: bool) -> str | None:
    """Return the repository to take backups from: None for that of the book.

    Raises:
        UsageError: DRC071 there is no off-site copy.
    """
    from opsctl.cli import dr_place

    place = dr_place.book().offsite if offsite else None
    if offsite and place is None:
        raise UsageError(
            "there is no off-site repository",
            code="DRC071",
            fix="name one: `offsite` in ops/backup.yaml; `opsctl config schema backup` tells how",
        )
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for.

    Args:
        target: the point.
        place: of a repository other than that of the book, such as the off-site copy.
        backup: go to the end of this one instead of the newest that leads there.
        from_truth: leave snapshots of vectors aside.
        without: names, or their beginnings, of backups that are known to be damaged.
        only: restore nothing else.
        even_bad: do not pass over those that a verification found bad, such as when they are verified again.
    """

    target: "Target"
    place: str | None = None
    backup: str | None = None
    from_truth: bool = False
    without: tuple[str, ...] = ()
    only: Only | None = None
    even_bad: bool = False


def way_to(asked: Asked) -> Way:
    """Return the way to a point.

    Raises:
        UsageError: DRC060 there is no backup, DRC069 there are logical ones only; SEA003, SEA004 no key fits.
        FailedError: DRC024 to DRC027 it cannot be reached, DRC085 every backup is bad, DRC003 or another: its manifest
            is damaged.
    """
    from opsctl.cli import dr_place

    _refuse_what_has_not_been(asked.target)
    vault = dr_place.vault(asked.place)
    catalogue = dr_place.catalogue(vault)
    backups = catalogue.backups()
    _require_known(asked.without, backups)
    bad = tuple(
        each.backup_id for each in backups if _is_bad(each) and asked.backup is None and not asked.even_bad
    )
    kept = [
        each
        for each in backups
        if each.backup_id not in bad and not any(each.backup_id.startswith(name) for name in asked.without)
    ]
    if backups and not kept:
        raise _all_bad(len(backups))
    manifest, damaged = _newest(kept, asked=asked, catalogue=catalogue)
    chain = None
    if asked.only is None:
        chain = _chain(kept, vault=vault, of=manifest, target=asked.target, only=asked.backup is not None)
        manifest = chain.backups[-1]
    return Way(
        vault=vault, chain=chain, newest=manifest, from_truth=asked.from_truth, left_out=(*bad, *damaged)
    )


def _refuse_what_has_not_been(target: "Target") -> None:
    """Refuse a time that is still to come: no log can lead there, and a plan must not say that one does."""
    from opsctl.cli import wiring
    from opsctl.dr.postgres.target import AtTime

    now = wiring.clock().now()
    if isinstance(target, AtTime) and target.time > now:
        raise FailedError(
            f"{target.shown} cannot be reached",
            code="DRC025",
            why=f"it is still to come: now is {now:%Y-%m-%d %H:%M:%S} UTC",
            fix="restore to where the log ends: --to latest",
        )


def _require_known(names: "Sequence[str]", backups: "Sequence[Kept]") -> None:
    """Refuse to leave out what is not there: with a slip of the pen one would get just that damaged backup."""
    for name in names:
        if not name or not any(each.backup_id.startswith(name) for each in backups):
            raise UsageError(
                f"there is no backup `{name}` to be left out",
                code="DRC060",
                fix="see what there is: opsctl dr list",
            )


def _newest(
    kept: "Sequence[Kept]", *, asked: Asked, catalogue: "Catalogue"
) -> "tuple[BackupManifest, tuple[str, ...]]":
    """Return the manifest of the newest backup, or of the one that is named, and which newer ones are damaged."""
    from opsctl.dr.kept import choose

    chosen = choose(kept, asked.backup)
    if asked.backup is not None:
        return catalogue.require(chosen), ()
    physical = [each for each in kept if each.kind is not BackupKind.LOGICAL]
    fitting = kept if asked.only is not None else physical or kept
    damaged: list[str] = []
    for each in fitting[:-1]:
        try:
            return catalogue.require(each), tuple(damaged)
        except FailedError:
            damaged.append(each.backup_id)
    return catalogue.require(fitting[-1]), tuple(damaged)


def _is_bad(kept: "Kept") -> bool:
    from opsctl.dr.kept import Mark

    return kept.verified is not None and kept.verified.mark is Mark.BAD


def _chain(
    kept: "Sequence[Kept]", *, vault: "Vault", of: "BackupManifest", target: "Target", only: bool
) -> "RestoreChain":
    from opsctl.dr.postgres.archive import read_archive
    from opsctl.dr.postgres.archive_reading import read_lineages
    from opsctl.dr.postgres.chain import choose_chain
    from opsctl.dr.postgres.target import AtLsn
    from opsctl.dr.postgres.wal import parse_lsn

    if of.base is None:
        raise UsageError(
            f"`{of.backup_id}` is a logical backup",
            code="DRC069",
            why="it has no point in time to go to",
            fix=f"load it into an empty database: opsctl dr load {of.backup_id} --database URL",
        )
    archive = read_archive(
        vault, system_identifier=of.base.system_identifier, segment_bytes=of.base.wal_segment_bytes
    )
    manifests = [each.manifest for each in kept if each.manifest is not None]
    lineages = read_lineages(vault, archive)
    if only:
        # Its own end, on its own timeline: what it holds by itself, also where a restore has left that branch.
        return choose_chain(
            [*_ancestors(of, manifests), of],
            archive=archive,
            lineages=lineages,
            target=AtLsn(parse_lsn(of.base.end_lsn)),
            timeline=of.base.timeline,
        )
    return choose_chain(manifests, archive=archive, lineages=lineages, target=target)


def _ancestors(of: "BackupManifest", manifests: "Sequence[BackupManifest]") -> "Iterator[BackupManifest]":
    """Yield what a backup builds on, as far as it is there."""
    known = {each.backup_id: each for each in manifests}
    at = of
    while at.parent is not None and at.parent in known:
        at = known.pop(at.parent)
        yield at


def _all_bad(number: int) -> FailedError:
    return FailedError(
        f"none of the {number} backups is left to restore from",
        code="DRC085",
        why="each of them was found bad by its last verification, or is left out",
        fix="see them: opsctl dr list; one can be tried all the same: opsctl dr restore --backup NAME",
    )
