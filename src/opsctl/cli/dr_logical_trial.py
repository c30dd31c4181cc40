"""Does a dump come back: loaded into a scratch database that is gone afterwards?"""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.dr_site import ScratchSite
from opsctl.core.errors import FailedError, NotReadyError

if TYPE_CHECKING:
    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.core.events import Listener
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.restore import Outcome, RestoreReport
    from opsctl.dr.vault import Vault
from opsctl.cli.dr_logical import dump_of, load_dump

_TRIAL = "restored"


# What a hosted database has and the embedded one has not; the dump may be as good as it can be.
_NO_EXTENSION = "is not available"


def trial(manifest: "BackupManifest", *, vault: "Vault", listener: "Listener") -> "RestoreReport":
    """Restore a logical backup into a scratch stack and compare it.

    Raises:
        NotReadyError: DRC089 the dump needs an extension that is not here: that says nothing about the backup.
    """
    from opsctl.cli import wiring
    from opsctl.cli.dr_scratch import TRIAL, scratch_home
    from opsctl.cli.dr_trial import books_of
    from opsctl.dr.restore import Step, restore

    with (
        scratch_home(TRIAL, token=secrets.token_hex(4), listener=listener) as home,
        books_of(manifest, vault=vault, folder=home / "project"),
    ):
        site = LogicalSite(home, chain=None, manifest=manifest, vault=vault, listener=listener)
        try:
            return restore(
                site,
                backup_id=manifest.backup_id,
                target="the moment of the dump",
                clock=wiring.clock(),
                listener=listener,
                skip=(Step.DATABASE, Step.HAND_OVER),
            )
        finally:
            site.abandon()


class LogicalSite(ScratchSite):
    """A stack whose database is loaded from a dump, and gone afterwards."""

    def __init__(self, home: Path, **how: Any) -> None:
        super().__init__(home, **how)
        self._tables: dict[str, int] = {}

    def start(self) -> None:
        """Start both stores, and load the dump into a database of its own."""
        from opsctl.cli import dr_place
        from opsctl.clients.postgres import connect
        from opsctl.clients.postgres_programs import PostgresPrograms
        from opsctl.dr.postgres.dump_restore import Ownership

        super().start()
        with connect(super()._address(), autocommit=True) as connection:
            connection.execute(f"create database {_TRIAL} template template0".encode())
        try:
            self._tables, _ = load_dump(
                dump_of(self._manifest),
                vault=self._vault,
                address=self._address(),
                ownership=Ownership.OURS,
                programs=PostgresPrograms(folder=self.place.programs_dir),
                spool=dr_place.notes_folder() / "load",
                listener=self._listener,
            )
        except FailedError as error:
            if _NO_EXTENSION not in (error.why or ""):
                raise
            raise NotReadyError(
                "the dump cannot be tried here",
                code="DRC089",
                why=error.why,
                fix=f"try it where that is: opsctl dr load {self._manifest.backup_id} --database URL",
            ) from error

    def proof(self) -> "Outcome":
        """Look at the database's own structure, and tell what is in it."""
        outcome = super().proof()
        outcome.figures |= {"tables": len(self._tables), "rows": sum(self._tables.values())}
        return outcome

    def _address(self) -> "DatabaseAddress":
        from dataclasses import replace

        address = super()._address()
        return replace(address, url=f"{address.url.rpartition('/')[0]}/{_TRIAL}")
