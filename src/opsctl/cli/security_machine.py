"""What of the project runs on this machine: where its parts listen, and which logs they write."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.security.context import Listening


class AuditedMachine:
    """Looks at the stack of one state folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def listening(self) -> "Sequence[Listening]":
        """Return every port on which a running part listens."""
        from opsctl.clients.listeners import listeners_of
        from opsctl.clients.processes import is_alive, members
        from opsctl.security.context import Listening
        from opsctl.stack.model import STARTING_ORDER
        from opsctl.stack.record import read_process

        found = []
        for name in STARTING_ORDER:
            record = read_process(self._home, name)
            if record is not None and is_alive(record):
                found += [
                    Listening(part=str(name), address=each.address, port=each.port)
                    for each in listeners_of(members(record))
                ]
        return tuple(found)

    def logs(self) -> Sequence[Path]:
        """Return the log files of the stack, and the service's own one of requests."""
        found = [*(self._home / "logs").glob("*.log*"), *(self._home / "service").glob("*.jsonl*")]
        return tuple(sorted(found))
