"""How is one server followed: received from, shipped, and followed on when it comes back as another one?"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.dr.archiver.backoff import Backoff
from opsctl.dr.archiver.loss import Loss, is_mended, noted_loss
from opsctl.dr.archiver.probe import Probe, ServerState
from opsctl.dr.archiver.receiver import Receiver
from opsctl.dr.archiver.settings import ArchivePlace, ArchiverSettings
from opsctl.dr.archiver.shipping import Shipper, last_archived
from opsctl.dr.archiver.spool import Spool, bytes_in, segment_bytes_in
from opsctl.dr.archiver.status import ArchiverStatus, read_status
from opsctl.dr.postgres.wal import Segment, format_lsn

_GONE = "has already been removed"
_MOST_PROMISES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promise:
    """What was committed at a time lies before a position."""

    at: datetime
    lsn: int


class Archiving:
    """Follows one server; each call does what is due, and notes what went wrong instead of raising it."""

    def __init__(
        self,
        settings: ArchiverSettings,
        *,
        place: ArchivePlace,
        probe: Probe,
        receiver: Receiver,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._place = place
        self._probe = probe
        self._receiver = receiver
        self._clock = clock
        self._server: ServerState | None = None
        self._shippers: dict[str, Shipper] = {}
        self._promises: deque[_Promise] = deque(maxlen=_MOST_PROMISES)
        before = _noted_before(settings)
        self._kept = _Promise(at=_last_shipped(before, now=clock.now()), lsn=0)
        self._connecting, self._repository = Backoff(most_seconds=10.0), Backoff()
        self._receiving = Backoff(most_seconds=10.0)
        self._loss = noted_loss(before) if before else None
        self._troubles: dict[str, str] = {}

    def turn(self) -> None:
        """Look at the server, ship everything, see that more is received, and that nothing waits for a second place in vain."""
        state = self._look()
        if self._ship(lambda shipper: shipper.ship()) and state is not None:
            self._keep(state)
        self._receive()
        self._place.catch_up()

    def ship_wholes(self) -> None:
        """Ship segments that are whole, between two turns."""
        self._ship(lambda shipper: shipper.ship_wholes())

    def end(self) -> bool:
        """Stop receiving and ship the rest, once; tell whether everything received is in the repository."""
        self._receiver.stop()
        self._repository.succeeded()
        is_shipped = self._ship(lambda shipper: shipper.ship())
        return is_shipped and not self._waiting_bytes()

    def status(self) -> ArchiverStatus:
        """Return how it is."""
        server = self._server
        return ArchiverStatus(
            noted_at=self._clock.now(),
            shipped_at=self._kept.at,
            shipped_lsn=format_lsn(self._kept.lsn) if self._kept.lsn else None,
            waiting_bytes=self._waiting_bytes(),
            is_receiving=self._receiver.is_running,
            system_identifier=server.system_identifier if server else None,
            timeline=server.timeline if server else None,
            lost=self._loss.words if self._loss else None,
            lost_at=self._loss.seen_at if self._loss else None,
            trouble="; ".join(self._troubles.values()) or None,
        )

    def _look(self) -> ServerState | None:
        """Ask the server, and follow it where it is another one than before."""
        if not self._connecting.may_try(self._clock.monotonic()):
            return None
        at = self._clock.now()
        try:
            state = self._probe.ask()
            if not state.has_slot:
                self._probe.make_slot()
        except OpsError as error:
            self._note("server", error)
            self._connecting.failed(self._clock.monotonic())
            return None
        self._connecting.succeeded()
        self._troubles.pop("server", None)
        if self._is_another(state):
            self._receiver.stop()
            self._promises.clear()
        self._server = state
        self._promises.append(_Promise(at=at, lsn=state.flush_lsn))
        return state

    def _is_another(self, state: ServerState) -> bool:
        before = self._server
        return before is not None and (before.system_identifier, before.timeline) != (
            state.system_identifier,
            state.timeline,
        )

    def _receive(self) -> None:
        """Have the receiver run, unless there is no room, or the server does not answer."""
        state, now = self._server, self._clock.monotonic()
        if self._waiting_bytes() > self._settings.most_waiting_bytes:
            self._receiver.stop()
            self._troubles["receiving"] = "the spool is full, so nothing is received"
        elif self._receiver.is_running:
            self._troubles.pop("receiving", None)
        elif state is not None and "server" not in self._troubles and self._receiving.may_try(now):
            self._receiving.failed(now)
            self._start_receiver(state)

    def _start_receiver(self, state: ServerState) -> None:
        try:
            if self._prepare(state):
                self._receiver.start(self._spool_of(state).folder)
                self._troubles.pop("receiving", None)
        except (OpsError, OSError) as error:
            self._note("receiving", error)

    def _prepare(self, state: ServerState) -> bool:
        """Bring the spool to where the receiver can go on; tell whether it is there yet."""
        spool = self._spool_of(state)
        spool.mend()
        words = self._receiver.last_words()
        is_stuck = state.slot_is_lost or _GONE in words
        is_older = any(each.timeline < state.timeline for each in [*spool.wholes(), *spool.partials()])
        if is_stuck or is_older:
            # What is in there leads nowhere any more. It is shipped first; until then nothing is received.
            if self._shipper_of(state.system_identifier, state.segment_bytes).waiting_bytes:
                self._troubles["receiving"] = f"what was received has to be shipped first: {words}"
                return False
            spool.clear(older_than=None if is_stuck else state.timeline)
        if is_stuck:
            self._loss = Loss(
                words=f"the server has removed a part of its log before it was received: {words}",
                seen_at=self._clock.now(),
            )
            self._receiver.forget_words()
            if state.slot_is_lost:
                self._probe.drop_slot()
                self._probe.make_slot()
        elif not spool.wholes() and not spool.partials():
            self._begin(state, spool)
        return True

    def _begin(self, state: ServerState, spool: Spool) -> None:
        """Begin with the oldest segment that the server still has and the repository has not."""
        size = state.segment_bytes
        archive = self._shipper_of(state.system_identifier, size).archive()
        archived = last_archived(archive, timeline=state.timeline)
        oldest = self._probe.oldest_segment(timeline=state.timeline, segment_bytes=size)
        if oldest is None:
            return
        first = oldest if archived is None else max(oldest, Segment(archived.timeline, archived.number + 1))
        if first.start(size) <= state.flush_lsn:
            spool.begin_at(first)

    def _ship(self, do: Callable[[Shipper], None]) -> bool:
        """Ship the spools of this server and of those before it; tell whether it went well."""
        if not self._repository.may_try(self._clock.monotonic()):
            return False
        try:
            for system_identifier, shipper in self._all_shippers().items():
                do(shipper)
                if self._server is not None and system_identifier != self._server.system_identifier:
                    shipper.clear()
        except (OpsError, OSError) as error:
            self._note("repository", error)
            self._repository.failed(self._clock.monotonic())
            return False
        self._repository.succeeded()
        self._troubles.pop("repository", None)
        return True

    def _keep(self, state: ServerState) -> None:
        """Note which promises are kept: what the slot had confirmed before the shipping is in the repository now.

        Behind a hole in the log nothing is of use, so nothing is kept until a base backup has begun after it.
        """
        if not self._is_without_hole():
            return
        confirmed = state.confirmed_lsn or 0
        shipper = self._shipper_of(state.system_identifier, state.segment_bytes)
        while self._promises and self._promises[0].lsn <= confirmed:
            if not shipper.holds(self._promises[0].lsn, timeline=state.timeline):
                return
            self._kept = self._promises.popleft()

    def _is_without_hole(self) -> bool:
        if self._loss is not None:
            with suppress(OpsError):  # the repository does not answer: that is told when something is shipped
                self._loss = None if is_mended(self._loss, self._place.vault) else self._loss
        return self._loss is None

    def _all_shippers(self) -> dict[str, Shipper]:
        """Return those of every server of which something is in the spool."""
        for folder in self._folders():
            size = self._server.segment_bytes if self._server else segment_bytes_in(folder)
            if size:
                self._shipper_of(folder.name, size)
        return dict(self._shippers)

    def _folders(self) -> list[Path]:
        """Return the folders of the spool, each of one server."""
        return [each for each in self._settings.spool.iterdir() if each.name.isdecimal() and each.is_dir()]

    def _shipper_of(self, system_identifier: str, segment_bytes: int) -> Shipper:
        if system_identifier not in self._shippers:
            folder = self._settings.spool / system_identifier
            folder.mkdir(mode=0o700, exist_ok=True)
            self._shippers[system_identifier] = Shipper(
                self._place.vault,
                discard=self._place.discard,
                system_identifier=system_identifier,
                spool=Spool(folder=folder, segment_bytes=segment_bytes),
            )
        return self._shippers[system_identifier]

    def _spool_of(self, state: ServerState) -> Spool:
        return self._shipper_of(state.system_identifier, state.segment_bytes).spool

    def _waiting_bytes(self) -> int:
        unknown = (folder for folder in self._folders() if folder.name not in self._shippers)
        return sum(shipper.waiting_bytes for shipper in self._shippers.values()) + sum(map(bytes_in, unknown))

    def _note(self, what: str, error: OpsError | OSError) -> None:
        if isinstance(error, OpsError):
            self._troubles[what] = (
                f"{error.code} {error.message}: {error.why}" if error.why else error.message
            )
        else:
            self._troubles[what] = str(error)


def _noted_before(settings: ArchiverSettings) -> ArchiverStatus | None:
    """Return what the archiver before this one noted; None where that cannot be read."""
    try:
        return read_status(settings.status_path)
    except OpsError:
        return None


def _last_shipped(before: ArchiverStatus | None, *, now: datetime) -> datetime:
    """Return what the archiver before this one has promised; without one, this one begins with nothing to promise."""
    return now if before is None else min(now, before.shipped_at)
