"""Where is a ground: its project's folder, what runs there, and how its parts are found."""

from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.ground_helpers import GroundHelpers
from opsctl.core.errors import NotReadyError
from opsctl.stack.model import PartName

if TYPE_CHECKING:
    from opsctl.clients.process_family import ProcessRecord
    from opsctl.core.clock import Clock


class GroundPlace:
    """A project of its own; what can be done to it stands in the classes that build on this one."""

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        self.root = root
        self.home = root / ".opsctl"
        self.helpers = GroundHelpers(self.home, clock=clock)
        self._clock = clock

    def record(self, part: str) -> "ProcessRecord | None":
        """Return what is known of the process of a part."""
        from opsctl.stack.record import read_process

        return read_process(self.home, PartName(part))


def nothing_to_break(why: str) -> NotReadyError:
    """Return the error of a fault that would be none: a drill of it would be green for nothing."""
    return NotReadyError(
        "the fault has nothing to break",
        code="CHA067",
        why=why,
        fix="look at the ground: opsctl chaos ground, then opsctl --project .opsctl/proving stack status",
    )
