"""How does the archiver of a project run: with the addresses and keys of its settings, until it is told to end."""

import logging
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.clients.repository import Repository
    from opsctl.core.errors import OpsError

_log = logging.getLogger("opsctl.dr")


def archive() -> None:
    """Archive until SIGTERM or Ctrl-C; exit 1 where something that was received is not in the repository yet."""
    from opsctl.cli import dr_place, dr_sources, wiring
    from opsctl.cli.exit import leave
    from opsctl.core.exit_codes import ExitCode
    from opsctl.core.units import parse_duration
    from opsctl.dr.archiver.archiving import ArchivePlace, ArchiverSettings
    from opsctl.dr.archiver.run import run_archiver
    from opsctl.dr.vault import Vault
    from opsctl.stack.places import Places
    from opsctl.stack.status import stack_status

    settings, book = wiring.settings(), dr_place.book()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    repository = _repository()
    # The archiver never starts a server: it waits for the one that is meant.
    places = Places(settings, embedded=lambda: stack_status(settings.home))
    is_shipped = run_archiver(
        ArchiverSettings(
            spool=dr_place.spool_folder(),
            ship_every_seconds=parse_duration(book.schedule.ship_every),
        ),
        address=places.database(),
        programs=dr_sources.programs(),
        place=ArchivePlace(vault=Vault(repository, dr_place.sealing()), discard=repository.delete),
        over=over,
        clock=wiring.clock(),
    )
    leave(ExitCode.GOOD if is_shipped else ExitCode.BAD_VERDICT)


def _repository() -> "Repository":
    """Return where the log goes: the repository, and the off-site one too where there is one."""
    from opsctl.cli import dr_place
    from opsctl.dr.offsite import MirroredRepository

    book = dr_place.book()
    here = dr_place.repository()
    if book.offsite is None:
        return here

    def tell(error: "OpsError") -> None:
        _log.warning("the off-site repository: %s %s", error.code, error.message)

    return MirroredRepository(here, dr_place.repository(book.offsite), told=tell)
