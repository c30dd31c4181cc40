"""With what is something restored or verified: the chain that leads to a point, and the site where it happens."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import FailedError, OpsError, RefusedError, UsageError
from opsctl.dr.manifest import BackupKind

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.dr.kept import Catalogue, Kept
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.plan import RestorePlan
    from opsctl.dr.postgres.chain import RestoreChain
    from opsctl.dr.postgres.target import Target
    from opsctl.dr.restore import RestoreReport, Site
    from opsctl.dr.vault import Vault

_SHIPPING_TURNS, _POLL_SECONDS = 2.0, 0.2
# What says that a backup itself is not what it was; anything else would go wrong with every other one, too.
_DAMAGED = frozenset(
    {"DRC001", "DRC002", "DRC003", "DRC022", "DRC023", "DRC029", "DRC034", "DRC048", "REP003"}
)
LIVE = "live"
"""The word for `--into` that means this project's own stack."""


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

    vault = dr_place.vault(asked.place)
    catalogue = dr_place.catalogue(vault)
    backups = catalogue.backups()
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


def plan(way: Way, *, into: str) -> "RestorePlan":
    """Return what the restore would take."""
    from opsctl.dr.plan import plan_restore

    return plan_restore(
        way.chain,
        target=way.target,
        vectors=None if way.from_truth else way.newest,
        into=into,
        replaces=[str(path) for path in _replaced(into, only_vectors=way.chain is None)],
        left_out=way.left_out,
    )


def restore(asked: Asked, *, into: str, listener: "Listener") -> "RestoreReport":
    """Bring everything back, and hand it over where nothing speaks against it.

    A backup that turns out to be damaged is left out, and the next older one that leads to the point taken instead,
    unless one was named.

    Raises:
        RefusedError: FIL002 the live stack is being restored already.
        OpsError: the last of those that were tried is damaged, too, or something else went wrong; the target is as it was.
    """
    from opsctl.cli import dr_place
    from opsctl.clients.files import FileLock

    if into != LIVE:
        return _restore(asked, into=into, listener=listener)
    with FileLock(dr_place.notes_folder() / "restore.lock", what="a restore"):
        _await_archiver()
        return _restore(asked, into=into, listener=listener)


def _restore(asked: Asked, *, into: str, listener: "Listener") -> "RestoreReport":
    from opsctl.cli import wiring
    from opsctl.core.events import Noted
    from opsctl.dr.restore import Step
    from opsctl.dr.restore import restore as run

    without = [*asked.without]
    while True:
        way = way_to(replace(asked, without=tuple(without)))
        try:
            with _site(way, into=into, listener=listener) as site:
                report = run(
                    site,
                    backup_id=way.newest.backup_id,
                    target=way.target,
                    clock=wiring.clock(),
                    listener=listener,
                    skip=() if way.chain is not None else (Step.DATABASE,),
                )
        except FailedError as error:
            if asked.backup is not None or error.code not in _DAMAGED or not _has_other(way, asked, without):
                raise
            message = f"{way.newest.backup_id} is damaged ({error.code} {error.message}); going on with an older one"
            listener(Noted(subject="restore", message=message))
            without.append(way.newest.backup_id)
            continue
        _write_down(report)
        return report


def _await_archiver() -> None:
    """Let an archiver that runs ship what it has received: it is what is newest of a server that is gone."""
    from opsctl.cli import dr_place, wiring
    from opsctl.core.units import parse_duration
    from opsctl.stack.model import PartName
    from opsctl.stack.record import runs

    clock, ship_seconds = wiring.clock(), parse_duration(dr_place.book().schedule.ship_every)
    until = clock.monotonic() + _SHIPPING_TURNS * ship_seconds
    while runs(wiring.settings().home, PartName.ARCHIVER) and clock.monotonic() < until:
        status = dr_place.archiver_status()
        if status is None or not status.waiting_bytes:
            return
        clock.sleep(_POLL_SECONDS)


def _has_other(way: Way, asked: Asked, without: "Sequence[str]") -> bool:
    """Tell whether there is a way without this backup."""
    try:
        way_to(replace(asked, without=(*without, way.newest.backup_id)))
    except OpsError:
        return False
    return True


def _write_down(report: "RestoreReport") -> None:
    """Keep what was done, for whoever asks later how long it took."""
    import json
    from dataclasses import asdict

    from opsctl.cli import dr_place, wiring
    from opsctl.clients.files import write_atomically

    path = dr_place.notes_folder() / "restores" / f"{wiring.clock().now():%Y%m%dT%H%M%SZ}.json"
    write_atomically(path, json.dumps(asdict(report), default=str, indent=1) + "\n")


@contextmanager
def trial(way: Way, *, listener: "Listener") -> "Iterator[Site]":
    """Give a site in a scratch folder that is gone afterwards."""
    from opsctl.cli.dr_scratch import TRIAL, scratch_home
    from opsctl.cli.dr_site import ScratchSite

    with (
        scratch_home(TRIAL, token=secrets.token_hex(4), listener=listener) as home,
        books_of(way.newest, vault=way.vault, folder=home / "project"),
    ):
        site = ScratchSite(
            home,
            chain=way.chain,
            manifest=way.newest,
            vault=way.vault,
            listener=listener,
            from_truth=way.from_truth,
            checks_pages=True,
        )
        try:
            yield site
        finally:
            site.abandon()


@contextmanager
def books_of(manifest: "BackupManifest", *, vault: "Vault", folder: Path) -> "Iterator[None]":
    """Go on with the books of the backup where there is no project here: they say what its vectors are made with.

    That is so on a machine that does nothing but verify.
    """
    from opsctl.cli import wiring
    from opsctl.config.settings import PROJECT_FILE
    from opsctl.dr.configuration import unpack

    root = wiring.settings().root
    if manifest.configuration is None or (root / PROJECT_FILE).is_file():
        yield
        return
    unpack(vault.get(manifest.configuration), into=folder)
    wiring.change_project(folder)
    try:
        yield
    finally:
        wiring.change_project(root)


def require_confirmed(into: str, confirm: str | None) -> None:
    """Refuse to touch what is there without its name.

    Raises:
        RefusedError: DRC067.
    """
    from opsctl.cli import wiring

    name = wiring.settings().root.name
    if into == LIVE and confirm != name:
        raise RefusedError(
            "this would take the place of the stack that is here",
            code="DRC067",
            why="what it holds is moved aside, and readers get what was restored",
            fix=f"look at the plan with --dry-run, then: opsctl dr restore --into live --confirm {name}",
        )


@contextmanager
def _site(way: Way, *, into: str, listener: "Listener") -> "Iterator[Site]":
    from opsctl.cli import wiring
    from opsctl.cli.dr_hand_over import FolderSite, LiveSite, VectorsSite
    from opsctl.cli.dr_scratch import RESTORE, scratch_home
    from opsctl.clients.files import read_text
    from opsctl.stack.model import password_file

    how: dict[str, Any] = {
        "chain": way.chain,
        "manifest": way.newest,
        "vault": way.vault,
        "listener": listener,
        "from_truth": way.from_truth,
    }
    if into != LIVE:
        if way.chain is None:
            raise RefusedError(
                "vectors alone can only be restored beside their database",
                code="DRC078",
                fix="opsctl dr restore --only vectors --into live --confirm NAME; or leave --only away",
            )
        yield FolderSite(Path(into), **how)
        return
    home = wiring.settings().home
    secret = password_file(home)
    # Whoever talks to the database goes on with the password that they have.
    password = read_text(secret).strip() if secret.is_file() else None
    stamp = f"{wiring.clock().now():%Y%m%dT%H%M%SZ}"
    kind = LiveSite if way.chain is not None else VectorsSite
    with scratch_home(RESTORE, token=stamp, listener=listener) as scratch:
        yield kind(home, scratch=scratch, stamp=stamp, password=password, **how)


def _replaced(into: str, *, only_vectors: bool) -> Iterator[Path]:
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.record import read_stack_record

    if into == LIVE:
        places = read_stack_record(wiring.settings().home).places
        for name in (PartName.VECTORS,) if only_vectors else (PartName.POSTGRES, PartName.VECTORS):
            if name in places and places[name].data_dir.exists():
                yield places[name].data_dir
        return
    folder = Path(into)
    if folder.exists() and any(folder.iterdir()):
        raise RefusedError(
            f"there is something in `{into}` already",
            code="DRC068",
            why="a restore into a folder writes over nothing",
            fix="name a folder that is not there yet, or empty",
        )


def _chain(
    kept: "Sequence[Kept]", *, vault: "Vault", of: "BackupManifest", target: "Target", only: bool
) -> "RestoreChain":
    from opsctl.dr.postgres.archive import read_archive, read_lineages
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
