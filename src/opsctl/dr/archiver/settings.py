"""With what is a server followed: its spool, its slot, its limits, and where its log goes?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from opsctl.dr.ports import NamedVault

SLOT = "opsctl_archive"
SHIP_EVERY_SECONDS = 5.0
MOST_WAITING_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiverSettings:
    """How the archiver works.

    Args:
        spool: the folder in which the log comes in.
        slot: name of the replication slot.
        ship_every_seconds: after this time at the latest goes into the repository what is no whole segment yet.
        most_waiting_bytes: with so much in the spool nothing more is received: the server keeps it, up to its own
            `max_slot_wal_keep_size`, and this machine's disk does not fill up.
    """

    spool: Path
    slot: str = SLOT
    ship_every_seconds: float = SHIP_EVERY_SECONDS
    most_waiting_bytes: int = MOST_WAITING_BYTES

    @property
    def status_path(self) -> Path:
        """Return where the archiver notes how it is."""
        return self.spool / "status.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePlace:
    """Where the log goes.

    Args:
        vault: takes it.
        discard: removes a key that was superseded, where that is allowed.
        catch_up: has a second place do what it still owes; it is told of each turn, also where nothing is shipped.
    """

    vault: NamedVault
    discard: Callable[[str], None]
    catch_up: Callable[[], None] = lambda: None
