"""How does the archiver of a project run: as its book says, also when that changes, until it is told to end."""

import logging
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsctl.clients.repository import Repository
    from opsctl.core.errors import OpsError
    from opsctl.dr.archiver.settings import ArchivePlace, ArchiverSettings
    from opsctl.dr.book import BackupBook

_log = logging.getLogger("opsctl.dr")
_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What the book says: how the log is shipped, and where to."""

    book: "BackupBook"
    settings: "ArchiverSettings"
    place: "ArchivePlace"


def archive() -> None:
    """Archive until SIGTERM or Ctrl-C; exit 1 where something that was received is not in the repository yet.

    It begins anew when the book says something else: from the moment on that a key or an off-site copy is written there,
    the log goes nowhere without it.
    """
    from opsctl.cli import dr_sources, wiring
    from opsctl.cli.exit import leave
    from opsctl.core.exit_codes import ExitCode
    from opsctl.dr.archiver.run import run_archiver
    from opsctl.stack.places import Places
    from opsctl.stack.status import stack_status

    settings = wiring.settings()
    is_over, pause = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        is_over.set()
        pause.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    # The archiver never starts a server: it waits for the one that is meant.
    places = Places(settings, embedded=lambda: stack_status(settings.home))
    is_shipped, order = False, _order()
    while not is_over.is_set():
        with _WatchedBook(order, changed=pause) as book:
            is_shipped = run_archiver(
                order.settings,
                address=places.database(),
                programs=dr_sources.programs(),
                place=order.place,
                over=pause,
                clock=wiring.clock(),
            )
        order = book.order
        pause.clear()
        if not is_over.is_set():  # told between both lines, it ends at the loop's head
            _log.warning("the book of backups has changed: the log is shipped as it says now")
    leave(ExitCode.GOOD if is_shipped else ExitCode.BAD_VERDICT)


class _WatchedBook:
    """Looks at the book now and then; what makes no sense there is told, and what was said before goes on."""

    def __init__(self, order: _Order, *, changed: threading.Event) -> None:
        self.order = order
        self._changed = changed
        self._over = threading.Event()
        self._told: str | None = None
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        from opsctl.cli import dr_place
        from opsctl.core.errors import OpsError

        while not self._over.wait(_LOOK_SECONDS):
            try:
                if dr_place.book() == self.order.book:
                    continue
                self.order = _order()
            except OpsError as error:
                self._tell(f"{error.code} {error.message}")
            else:
                self._changed.set()
                return

    def _tell(self, trouble: str) -> None:
        if trouble != self._told:
            _log.warning("the book of backups is not followed: %s", trouble)
            self._told = trouble


def _order() -> _Order:
    from opsctl.cli import dr_place
    from opsctl.core.units import parse_duration
    from opsctl.dr.archiver.settings import ArchivePlace, ArchiverSettings
    from opsctl.dr.vault import Vault

    book, (repository, catch_up) = dr_place.book(), _repository()
    return _Order(
        book=book,
        settings=ArchiverSettings(
            spool=dr_place.spool_folder(), ship_every_seconds=parse_duration(book.schedule.ship_every)
        ),
        place=ArchivePlace(
            vault=Vault(repository, dr_place.sealing()), discard=repository.delete, catch_up=catch_up
        ),
    )


def _repository() -> "tuple[Repository, Callable[[], None]]":
    """Return where the log goes, the off-site repository too where there is one, and what has that one catch up."""
    from opsctl.cli import dr_place, wiring
    from opsctl.dr.offsite import MirroredRepository

    book = dr_place.book()
    here = dr_place.repository()
    if book.offsite is None:
        return here, lambda: None

    def tell(error: "OpsError", waiting: int) -> None:
        _log.warning(
            "the off-site repository: %s %s (%s); %d objects wait for it",
            error.code,
            error.message,
            error.why,
            waiting,
        )

    both = MirroredRepository(here, dr_place.repository(book.offsite), told=tell, clock=wiring.clock())
    return both, both.catch_up
