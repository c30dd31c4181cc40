"""How does what was restored take the place of the project's own stores: moved in as a whole, what was there kept aside?"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.dr_site import ScratchSite

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.dr.restore import Outcome
    from opsctl.stack.model import PartName


class LiveSite(ScratchSite):
    """A restore in the place of this project's stack; what was there is moved aside, not deleted."""

    def __init__(self, live_home: Path, *, scratch: Path, stamp: str, **how: Any) -> None:
        super().__init__(scratch, **how)
        self._live_home = live_home.resolve()
        self._stamp = stamp

    def hand_over(self) -> "Outcome":
        """Stop what is left of the stores, change the data, and start them where they were.

        Meanwhile nobody else starts or stops a part; and what is moved is written down, for whoever comes after a kill.
        """
        from opsctl.cli import wiring
        from opsctl.dr.restore import Outcome
        from opsctl.stack.lock import changing_stack
        from opsctl.stack.record import runs

        self.stop()
        live = self._live_home
        with changing_stack(
            live, what="handing over a restore", listener=self._listener, clock=wiring.clock()
        ):
            ran = tuple(name for name in self._parts() if runs(live, name))
            try:
                put_aside = self._exchange(ran)
            except BaseException:
                self._take_back(ran=ran)
                raise
        self.abandon()
        self._forget_notes()
        return Outcome(figures={"put aside": put_aside})

    def _exchange(self, ran: "tuple[PartName, ...]") -> int:
        """Exchange the data below stores that are stopped meanwhile, and return how many folders were put aside."""
        from opsctl.cli import wiring
        from opsctl.core.events import ignore
        from opsctl.stack.down import stop_parts
        from opsctl.stack.exchange import begin_exchange, end_exchange, plan_exchange
        from opsctl.stack.up import start_parts

        how: dict[str, Any] = {"only": self._parts(), "listener": ignore, "clock": wiring.clock()}
        stop_parts(self._live_home, **how)
        moves = {
            ours: plan_exchange(live, stamp=self._stamp)
            for ours, live in (*self._folders(), *self._secrets())
        }
        begin_exchange(self._live_home, moves.values(), ran={name: name in ran for name in self._parts()})
        for ours, move in moves.items():
            move.make(ours)
        start_parts(self._live_home, **how)
        end_exchange(self._live_home)
        return sum(move.was_there for move in moves.values() if move.live.is_dir())

    def _parts(self) -> "tuple[PartName, ...]":
        from opsctl.stack.model import PartName

        return (PartName.POSTGRES, PartName.VECTORS)

    def _folders(self) -> "Iterator[tuple[Path, Path]]":
        """Yield each folder of data that was restored, and where it belongs."""
        from opsctl.stack.model import PartName
        from opsctl.stack.postgres import plan_place
        from opsctl.stack.postgres_cluster import cluster_dir
        from opsctl.stack.record import read_stack_record
        from opsctl.stack.vectors import plan_place as plan_vectors

        recorded = read_stack_record(self._live_home).places
        database = recorded.get(PartName.POSTGRES) or plan_place(self._live_home, None)
        vectors = recorded.get(PartName.VECTORS) or plan_vectors(self._live_home, None)
        yield cluster_dir(self.place), cluster_dir(database)
        yield plan_vectors(self.home, None).data_dir, vectors.data_dir

    def _secrets(self) -> "Iterator[tuple[Path, Path]]":
        """Yield the password that was restored, and where it belongs, unless it is the same there."""
        from opsctl.clients.files import read_text
        from opsctl.stack.model import password_file

        ours, theirs = password_file(self.home), password_file(self._live_home)
        if not theirs.is_file() or read_text(theirs).strip() != read_text(ours).strip():
            theirs.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            yield ours, theirs

    def _forget_notes(self) -> None:
        """Forget a backup that was killed, and on what the next one could build: both may be of a future that is given up.

        Without PostgreSQL's own manifests the next backup is a full one.
        """
        notes = self._live_home / "dr"
        for path in (notes / "unfinished.json", *notes.glob("manifests/*.backup_manifest")):
            path.unlink(missing_ok=True)

    def _take_back(self, *, ran: "tuple[PartName, ...]") -> None:
        """Let everything be where it was, and run what ran; what was restored is still there to be looked at."""
        from opsctl.cli import wiring
        from opsctl.core.errors import OpsError
        from opsctl.core.events import Noted, ignore
        from opsctl.stack.down import stop_parts
        from opsctl.stack.exchange import take_back_exchange
        from opsctl.stack.up import start_parts

        how: dict[str, Any] = {"listener": ignore, "clock": wiring.clock()}
        try:
            stop_parts(self._live_home, only=self._parts(), **how)
        finally:
            # Whatever cannot be ended: restored data under the live names would be taken for the stack's own.
            take_back_exchange(self._live_home)
        try:
            if ran:
                start_parts(self._live_home, only=ran, **how)
        except OpsError as error:
            message = f"the stack is as it was, and does not start: {error.message}; try `opsctl stack up`"
            self._listener(Noted(subject="restore", message=message))


class VectorsSite(LiveSite):
    """A restore of the vectors alone, brought level with the database as it is, which goes on working meanwhile.

    Nobody else follows the outbox from the comparison to the hand-over; what is written to the database in that time is
    followed afterwards, from the place that was noted.
    """

    def __init__(self, live_home: Path, **how: Any) -> None:
        super().__init__(live_home, **how)
        self._locked = ExitStack()

    def start(self) -> None:
        """Start a vector node beside; the database is the live one."""
        from opsctl.cli import wiring
        from opsctl.core.events import ignore
        from opsctl.stack.model import PartName
        from opsctl.stack.up import start_stack

        self._state = start_stack(self.home, listener=ignore, clock=wiring.clock(), only=(PartName.VECTORS,))

    def replay(self) -> "Outcome":
        """Bring the source collection to the truth of one moment, as a snapshot of the database shows it."""
        from psycopg import IsolationLevel

        from opsctl.catalog.sync import consumer_of
        from opsctl.cli import filling
        from opsctl.core.errors import RefusedError
        from opsctl.store.locks import held_lock

        consumer = consumer_of(filling.source_collection())
        busy = RefusedError(
            "somebody follows the truth into the vectors",
            code="DRC052",
            fix="wait for `opsctl catalog sync` to end, then run the restore again",
        )
        lock = held_lock(self._connect_apart(), name=consumer, refusal=busy, patience_seconds=30.0)
        self._locked.enter_context(lock)
        with self._connect() as frozen:
            frozen.isolation_level = IsolationLevel.REPEATABLE_READ
            row = frozen.execute("select pg_export_snapshot()").fetchone()
            self._snapshot = str(row[0]) if row else None
            try:
                return self._level(frozen)
            finally:
                self._snapshot = None

    def proof(self) -> "Outcome":
        """Nothing more: the comparison is the proof, and the database was not touched."""
        from opsctl.dr.restore import Outcome

        return Outcome()

    def hand_over(self) -> "Outcome":
        """Change the vectors' data, then let others follow again."""
        with self._locked:
            return super().hand_over()

    def abandon(self) -> None:
        """Let others follow again, and remove everything."""
        self._locked.close()
        super().abandon()

    def _parts(self) -> "tuple[PartName, ...]":
        from opsctl.stack.model import PartName

        return (PartName.VECTORS,)

    def _folders(self) -> "Iterator[tuple[Path, Path]]":
        _database, vectors = super()._folders()
        yield vectors

    def _secrets(self) -> "Iterator[tuple[Path, Path]]":
        """Yield none: the database keeps its own."""
        return iter(())

    def _forget_notes(self) -> None:
        """Leave them: the database is the same as before."""

    def _address(self) -> "DatabaseAddress":
        from opsctl.clients.postgres import DatabaseAddress
        from opsctl.stack.status import stack_status

        state = stack_status(self._live_home)
        return DatabaseAddress.with_password_file(
            state.database_url, password_file=state.database_password_file
        )

    def _connect_apart(self) -> "psycopg.Connection[Any]":
        """Return a connection that lives as long as the lock."""
        from opsctl.clients.postgres import connect

        return self._locked.enter_context(connect(self._address()))
