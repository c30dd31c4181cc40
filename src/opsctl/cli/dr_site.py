"""Where does a restore take place: a stack of its own, in a folder of its own, on ports of its own."""

import secrets
import shutil
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.clients.qdrant import QdrantStore
    from opsctl.clients.qdrant_values import QdrantPlace
    from opsctl.core.events import Listener
    from opsctl.dr.manifest import BackupManifest
    from opsctl.dr.postgres.chain import RestoreChain
    from opsctl.dr.restore import Outcome, Point
    from opsctl.dr.vault import Vault
    from opsctl.dr.vectors.ports import Returning
    from opsctl.dr.vectors.truth import TrueItem
    from opsctl.stack.model import Place, StackState


class ScratchSite:
    """A stack that is made from a backup and gone afterwards (`dr.restore.Site`); others build on it.

    Args:
        home: the state folder of that stack.
        chain: what PostgreSQL is made from; None leaves the database out.
        manifest: of the backup whose vectors are put back.
        vault: where all of it is.
        password: of the database's owner from now on; a new one where none is given.
        from_truth: build the vectors from the database instead of putting snapshots back.
        checks_pages: read every page of the database and compare its checksum, which takes its time.
        listener: hears of every phase.
    """

    def __init__(
        self,
        home: Path,
        *,
        chain: "RestoreChain | None",
        manifest: "BackupManifest",
        vault: "Vault",
        listener: "Listener",
        password: str | None = None,
        from_truth: bool = False,
        checks_pages: bool = False,
    ) -> None:
        self.home = home.resolve()
        self._chain = chain
        self._manifest = manifest
        self._vault = vault
        self._listener = listener
        self._password = password or secrets.token_urlsafe(32)
        self._from_truth = from_truth
        self._checks_pages = checks_pages
        self._closing = ExitStack()
        self._state: StackState | None = None
        self._store: QdrantStore | None = None
        self._snapshot: str | None = None
        """Of the database, exported, where the truth moves on while it is compared with."""

    def database(self) -> "Point":
        """Bring PostgreSQL to the point."""
        from opsctl.cli import wiring
        from opsctl.clients.files import write_atomically
        from opsctl.clients.postgres_programs import PostgresPrograms
        from opsctl.dr.postgres.inspect import check_pages
        from opsctl.dr.postgres.rebuild import materialise
        from opsctl.dr.postgres.recover import NewPassword, recover
        from opsctl.dr.restore import Point
        from opsctl.stack.model import password_file
        from opsctl.stack.placement import give_to
        from opsctl.stack.postgres_cluster import SUPERUSER

        if self._chain is None:
            raise AssertionError("a restore of vectors alone has no such step")
        place = self.place
        programs = PostgresPrograms(folder=place.programs_dir, account=place.account)
        place.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        give_to(place.data_dir, place.account)
        rebuilt = materialise(
            self._chain,
            vault=self._vault,
            programs=programs,
            into=place.data_dir / "restore",
            listener=self._listener,
        )
        recovered = recover(
            rebuilt,
            programs=programs,
            user=SUPERUSER,
            listener=self._listener,
            clock=wiring.clock(),
            new_password=NewPassword(role=SUPERUSER, password=self._password),
        )
        if self._checks_pages:
            check_pages(recovered.data, programs=programs)
        recovered.data.rename(place.data_dir / "data")
        shutil.rmtree(rebuilt.folder)
        secret = password_file(self.home)
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.parent.chmod(0o700)
        write_atomically(secret, self._password + "\n", mode=0o600)
        return Point(lsn=recovered.lsn, at=recovered.last_commit_at, timeline=recovered.timeline)

    def start(self) -> None:
        """Start both stores."""
        from opsctl.cli import wiring
        from opsctl.core.events import ignore
        from opsctl.stack.model import PartName
        from opsctl.stack.up import start_stack

        self._state = start_stack(
            self.home, listener=ignore, clock=wiring.clock(), only=(PartName.POSTGRES, PartName.VECTORS)
        )

    def snapshots(self) -> "Outcome":
        """Put the collections back, each compared with its manifest, and ask what was asked of them then."""
        from opsctl.cli.dr_proofs import golden_outcome
        from opsctl.cli.dr_site_vectors import put_back_snapshot
        from opsctl.dr.restore import Outcome

        if self._from_truth:
            return Outcome(figures=self._build_source())
        for snapshot in self._manifest.vectors:
            put_back_snapshot(snapshot, vault=self._vault, place=self._vectors_place(), here=self.returning)
        outcome = golden_outcome(self._manifest, store=self.store)
        outcome.figures |= {
            "collections": len(self._manifest.vectors),
            "points": sum(each.points for each in self._manifest.vectors),
        }
        return outcome

    def replay(self) -> "Outcome":
        """Bring the source collection to the truth."""
        return self._level(self._connect())

    def derived(self) -> "Outcome":
        """Bring the derived collections to their source."""
        from opsctl.cli.dr_proofs import mend_derived, rebuild_derived
        from opsctl.dr.restore import Outcome

        if self._from_truth:
            return Outcome(figures=rebuild_derived(self.home, store=self.store, listener=self._listener))
        return Outcome(figures=mend_derived(self._aliases(), store=self.store))

    def aliases(self) -> "Outcome":
        """Move the aliases."""
        from opsctl.dr.restore import Outcome
        from opsctl.dr.vectors.aliases import put_back_aliases

        done = put_back_aliases(self._aliases(), store=self.store)
        return Outcome(figures={"aliases": len(done.changed) + len(done.unchanged)})

    def proof(self) -> "Outcome":
        """Look at the database's own structure."""
        from opsctl.cli.dr_proofs import database_outcome
        from opsctl.clients.postgres_programs import PostgresPrograms

        programs = PostgresPrograms(folder=self.place.programs_dir, account=self.place.account)
        return database_outcome(self._address(), programs=programs, manifest=self._manifest)

    def hand_over(self) -> "Outcome":
        """Leave it at that: what was restored is gone with `abandon`."""
        from opsctl.dr.restore import Outcome

        return Outcome()

    def abandon(self) -> None:
        """End what runs and remove everything."""
        try:
            self.stop()
        except NotReadyError:
            # On a full disk not even the lock fits with which parts are stopped; what is removed makes room for it.
            shutil.rmtree(self.place.data_dir, ignore_errors=True)
            self.stop()
        for folder in {self.place.data_dir, self.home}:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """End what runs."""
        from opsctl.cli import wiring
        from opsctl.core.events import ignore
        from opsctl.stack.down import stop_stack

        self._closing.close()
        self._store = None
        stop_stack(self.home, listener=ignore, clock=wiring.clock())
        self._state = None

    @cached_property
    def place(self) -> "Place":
        """Return where PostgreSQL is restored."""
        from opsctl.stack.postgres import plan_place

        return plan_place(self.home, None)

    @property
    def store(self) -> "QdrantStore":
        """Return the vector database of the site, open until it is stopped."""
        from opsctl.clients.qdrant import QdrantStore

        if self._store is None:
            self._store = self._closing.enter_context(QdrantStore(self._vectors_place()))
        return self._store

    @property
    def returning(self) -> "Returning":
        """Return what putting vectors back works with."""
        from opsctl.cli import wiring
        from opsctl.dr.vectors.ports import Returning

        return Returning(store=self.store, clock=wiring.clock(), listener=self._listener)

    def _level(self, connection: "psycopg.Connection[Any]") -> "Outcome":
        """Bring the source collection to what a connection sees, and note the place."""
        from opsctl.catalog.sync import consumer_of
        from opsctl.cli import filling
        from opsctl.dr.restore import Outcome
        from opsctl.dr.vectors.level import level, set_place

        collection = filling.source_collection()
        if collection not in self.store.collections():
            self._build_source()
        levelled = level(collection, connection=connection, reapply=self._reapply, here=self.returning)
        with self._connect() as writing:
            set_place(levelled, connection=writing, consumer=consumer_of(collection), here=self.returning)
        found = levelled.found
        return Outcome(
            figures={"written": found.missing + found.stale, "removed": found.extra, "differing": 0}
        )

    def _build_source(self) -> dict[str, str | int | float]:
        from opsctl.cli.dr_site_vectors import build_source

        return build_source(self.store, connect=self._connect, listener=self._listener)

    def _reapply(self, items: "Sequence[TrueItem]") -> None:
        from opsctl.cli.dr_site_vectors import write_true_items

        with self._connect() as connection:
            write_true_items(items, connection=connection, store=self.store, as_seen_in=self._snapshot)

    def _aliases(self) -> dict[str, str]:
        """Return the aliases whose collections are here; those of derived collections are built anew without snapshots."""
        there = set(self.store.collections())
        return {alias: target for alias, target in self._manifest.aliases.items() if target in there}

    def _vectors_place(self) -> "QdrantPlace":
        from opsctl.cli import wiring
        from opsctl.clients.qdrant_values import QdrantPlace

        return QdrantPlace(
            url=self._running().vectors_url, timeout_seconds=wiring.settings().project.qdrant.timeout_seconds
        )

    def _address(self) -> "DatabaseAddress":
        from opsctl.clients.postgres import DatabaseAddress

        state = self._running()
        return DatabaseAddress.with_password_file(
            state.database_url, password_file=state.database_password_file
        )

    def _connect(self) -> "psycopg.Connection[Any]":
        from opsctl.clients.postgres import connect

        return self._closing.enter_context(connect(self._address()))

    def _running(self) -> "StackState":
        if self._state is None:
            raise AssertionError("the site is asked before it is started")
        return self._state
