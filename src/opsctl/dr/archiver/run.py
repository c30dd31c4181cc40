"""The archiver's life: it begins, turns until it is told to end, and leaves nothing behind that would be lost."""

import logging
import threading
from pathlib import Path

from opsctl.clients.file_locks import FileLock
from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.core.clock import Clock
from opsctl.core.errors import NotReadyError
from opsctl.dr.archiver.archiving import Archiving
from opsctl.dr.archiver.probe import Probe
from opsctl.dr.archiver.receiver import Receiver
from opsctl.dr.archiver.settings import ArchivePlace, ArchiverSettings
from opsctl.dr.archiver.status import ArchiverStatus, write_status
from opsctl.dr.postgres.server import require_direct

_log = logging.getLogger("opsctl.dr")
_POLL_SECONDS = 0.5


def run_archiver(
    settings: ArchiverSettings,
    *,
    address: DatabaseAddress,
    programs: PostgresPrograms,
    place: ArchivePlace,
    over: threading.Event,
    clock: Clock,
) -> bool:
    """Archive the log of a server until `over` is set; tell whether everything that was received is in the repository.

    To be called from the main thread: the receiver ends with the thread that started it.

    Args:
        settings: how.
        address: of the server, with a role that may replicate.
        programs: `pg_receivewal` among them.
        place: takes the log.
        over: is set when it is to end.
        clock: tells the time.

    Raises:
        RefusedError: FIL002 another archiver uses the spool, DRC021 the address leads through a pooler.
        NotReadyError: PGP001 there is no `pg_receivewal`.
        ResidueError: PRC002 the receiver cannot be ended.
    """
    require_direct(address)
    programs.path_of("pg_receivewal")
    settings.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        FileLock(settings.spool / "lock", what="archiving the log"),
        Probe(address, slot=settings.slot) as probe,
    ):
        receiver = Receiver(
            programs=programs, address=address, slot=settings.slot, work=settings.spool, clock=clock
        )
        archiving = Archiving(settings, place=place, probe=probe, receiver=receiver, clock=clock)
        notebook = _Notebook(settings.status_path)
        try:
            _turn_until_over(archiving, settings=settings, notebook=notebook, over=over, clock=clock)
        finally:
            is_shipped = archiving.end()
            notebook.note(archiving.status())
    return is_shipped


class _Notebook:
    """Takes the note; where a full disk does not, the log says so once, and an old note tells by its time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_told = False

    def note(self, status: ArchiverStatus) -> None:
        """Replace the note, where that can be."""
        try:
            write_status(self._path, status)
        except NotReadyError as error:
            if not self._is_told:
                _log.warning(
                    "the archiver goes on without a note: %s %s: %s", error.code, error.message, error.why
                )
            self._is_told = True
        else:
            self._is_told = False


def _turn_until_over(
    archiving: Archiving,
    *,
    settings: ArchiverSettings,
    notebook: _Notebook,
    over: threading.Event,
    clock: Clock,
) -> None:
    due = clock.monotonic()
    while not over.is_set():
        if clock.monotonic() >= due:
            due = clock.monotonic() + settings.ship_every_seconds
            archiving.turn()
            notebook.note(archiving.status())
        else:
            archiving.ship_wholes()
        over.wait(min(_POLL_SECONDS, settings.ship_every_seconds))
