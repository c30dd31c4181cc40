"""How does what was restored take the place of the project's own stores: moved in as a whole, what was there kept aside?"""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.dr_site import ScratchSite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        """Stop what is left of the stores, change the data, and start them where they were."""
        from opsctl.cli import wiring
        from opsctl.core.events import ignore
        from opsctl.dr.restore import Outcome
        from opsctl.stack.down import stop_stack
        from opsctl.stack.record import runs
        from opsctl.stack.up import start_stack

        parts = self._parts()
        ran = tuple(name for name in parts if runs(self._live_home, name))
        self.stop()
        moves: list[_Move] = []
        try:
            stop_stack(self._live_home, listener=ignore, clock=wiring.clock(), only=parts)
            for ours, live in self._folders():
                moves.append(_Move(live=live, aside=live.with_name(f"{live.name}.replaced-{self._stamp}")))
                moves[-1].make(ours)
            self._give_password()
            start_stack(self._live_home, listener=ignore, clock=wiring.clock(), only=parts)
        except BaseException:
            self._take_back(moves, ran=ran)
            raise
        self.abandon()
        self._forget_notes()
        return Outcome(figures={"put aside": sum(move.was_there for move in moves)})

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

    def _give_password(self) -> None:
        from opsctl.stack.model import password_file

        theirs = password_file(self._live_home)
        theirs.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(password_file(self.home), theirs)

    def _forget_notes(self) -> None:
        """Forget a backup that was killed, and on what the next one could build: both may be of a future that is given up.

        Without PostgreSQL's own manifests the next backup is a full one.
        """
        notes = self._live_home / "dr"
        for path in (notes / "unfinished.json", *notes.glob("manifests/*.backup_manifest")):
            path.unlink(missing_ok=True)

    def _take_back(self, moves: "Sequence[_Move]", *, ran: "tuple[PartName, ...]") -> None:
        """Let everything be where it was, and run what ran; what was restored is still there to be looked at."""
        from opsctl.cli import wiring
        from opsctl.core.errors import OpsError
        from opsctl.core.events import Noted, ignore
        from opsctl.stack.down import stop_stack
        from opsctl.stack.up import start_stack

        stop_stack(self._live_home, listener=ignore, clock=wiring.clock(), only=self._parts())
        for move in reversed(moves):
            move.take_back(unused=move.live.with_name(f"{move.live.name}.unused-{self._stamp}"))
        try:
            if ran:
                start_stack(self._live_home, listener=ignore, clock=wiring.clock(), only=ran)
        except OpsError as error:
            message = f"the stack is as it was, and does not start: {error.message}; try `opsctl stack up`"
            self._listener(Noted(subject="restore", message=message))


@dataclass(slots=True, kw_only=True)
class _Move:
    """A folder of live data that is changed for another one, and back again where something goes wrong."""

    live: Path
    aside: Path
    was_there: bool = False
    is_made: bool = False

    def make(self, ours: Path) -> None:
        """Put what is there aside, and ours in its place."""
        if self.live.exists():
            self.live.rename(self.aside)
            self.was_there = True
        self.live.parent.mkdir(parents=True, exist_ok=True)
        ours.rename(self.live)
        self.is_made = True

    def take_back(self, *, unused: Path) -> None:
        """Put ours away, and what was there back."""
        if self.is_made:
            self.live.rename(unused)
        if self.was_there:
            self.aside.rename(self.live)


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

    def _give_password(self) -> None:
        """Leave it: the database keeps its own."""

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
