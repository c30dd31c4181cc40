"""Where is a backup tried: a site in a scratch folder, with the books that are in the backup, and gone afterwards."""

import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opsctl.cli.dr_way import Way
    from opsctl.core.events import Listener
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.restore import Site
    from opsctl.dr.vault import Vault


@contextmanager
def trial(way: "Way", *, listener: "Listener") -> "Iterator[Site]":
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
