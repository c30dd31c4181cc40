"""With what is something restored or verified: the chain that leads to a point, and the site where it happens."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import FailedError, RefusedError, UsageError

if TYPE_CHECKING:
    from opsctl.core.events import Listener
    from opsctl.dr.kept import Kept
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.plan import RestorePlan
    from opsctl.dr.postgres.chain import RestoreChain
    from opsctl.dr.postgres.target import Target
    from opsctl.dr.restore import RestoreReport, Site
    from opsctl.dr.vault import Vault

LIVE = "live"
"""The word for `--into` that means this project's own stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to get to a point: where from, and with which snapshots of the vectors."""

    vault: "Vault"
    chain: "RestoreChain"
    from_truth: bool

    @property
    def newest(self) -> "BackupManifest":
        """Return the backup from which the log goes on; its snapshots are not ahead of any point after it."""
        return self.chain.backups[-1]


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


def way_to(
    target: "Target",
    *,
    place: str | None = None,
    backup: str | None = None,
    from_truth: bool = False,
    without: Sequence[str] = (),
) -> Way:
    """Return the way to a point.

    Args:
        target: the point.
        place: of a repository other than that of the book, such as the off-site copy.
        backup: go to the end of this one instead of the newest that leads there.
        from_truth: leave snapshots of vectors aside.
        without: names of backups that are known to be damaged.

    Raises:
        UsageError: DRC060 there is no backup.
        FailedError: DRC024 to DRC027 it cannot be reached, DRC066 no manifest can be read.
    """
    from opsctl.cli import dr_place
    from opsctl.dr.kept import choose

    vault = dr_place.vault(place)
    kept = [each for each in dr_place.catalogue(vault).backups() if each.backup_id not in without]
    chosen = choose(kept, backup)
    chain = _chain(kept, vault=vault, of=_manifest(chosen), target=target, only=backup is not None)
    return Way(vault=vault, chain=chain, from_truth=from_truth)


def plan(way: Way, *, into: str) -> "RestorePlan":
    """Return what the restore would take."""
    from opsctl.dr.plan import plan_restore

    return plan_restore(
        way.chain,
        vectors=None if way.from_truth else way.newest,
        into=into,
        replaces=[str(path) for path in _replaced(into)],
    )


def restore(way: Way, *, into: str, listener: "Listener") -> "RestoreReport":
    """Bring everything back, and hand it over where nothing speaks against it."""
    from opsctl.cli import wiring
    from opsctl.dr.restore import restore as run

    return run(
        _site(way, into=into, listener=listener),
        backup_id=way.newest.backup_id,
        target=way.chain.target.shown,
        clock=wiring.clock(),
        listener=listener,
    )


@contextmanager
def trial(way: Way, *, listener: "Listener") -> "Iterator[Site]":
    """Give a site in a scratch folder that is gone afterwards."""
    from opsctl.cli import wiring
    from opsctl.cli.dr_site import ScratchSite

    home = wiring.settings().home / f"verify-{secrets.token_hex(4)}"
    site = ScratchSite(
        home,
        chain=way.chain,
        manifest=way.newest,
        vault=way.vault,
        listener=listener,
        from_truth=way.from_truth,
    )
    try:
        yield site
    finally:
        site.abandon()


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


def _site(way: Way, *, into: str, listener: "Listener") -> "Site":
    from opsctl.cli import wiring
    from opsctl.cli.dr_hand_over import FolderSite, LiveSite
    from opsctl.clients.files import read_text
    from opsctl.stack.model import password_file

    how = {
        "chain": way.chain,
        "manifest": way.newest,
        "vault": way.vault,
        "listener": listener,
        "from_truth": way.from_truth,
    }
    home = wiring.settings().home
    if into == LIVE:
        secret = password_file(home)
        # Whoever talks to the database goes on with the password that they have.
        password = read_text(secret).strip() if secret.is_file() else None
        stamp = f"{wiring.clock().now():%Y%m%dT%H%M%SZ}"
        return LiveSite(home, stamp=stamp, password=password, **how)
    return FolderSite(Path(into), **how)


def _replaced(into: str) -> Iterator[Path]:
    from opsctl.cli import wiring
    from opsctl.stack.model import PartName
    from opsctl.stack.record import read_stack_record

    if into == LIVE:
        places = read_stack_record(wiring.settings().home).places
        for name in (PartName.POSTGRES, PartName.VECTORS):
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
    if only:
        # Its own end: what it holds by itself.
        newer = {each.backup_id for each in manifests if each.started_at > of.started_at}
        manifests = [each for each in manifests if each.backup_id not in newer]
        target = AtLsn(parse_lsn(of.base.end_lsn))
    return choose_chain(manifests, archive=archive, lineages=read_lineages(vault, archive), target=target)


def _manifest(kept: "Kept") -> "BackupManifest":
    if kept.manifest is None:
        raise FailedError(
            f"backup `{kept.backup_id}` cannot be read",
            code="DRC066",
            why=kept.trouble,
            fix="give the key: `encryption.identity_file` in ops/backup.yaml, or OPSCTL_BACKUP_IDENTITY",
        )
    return kept.manifest
