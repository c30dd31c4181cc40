"""On what are faults made for proofs: a whole stack of its own below the state folder, so that nobody else is hurt."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.chaos.leases import Leases
from opsctl.cli.ground_database import GroundDatabase
from opsctl.cli.ground_files import GroundFiles
from opsctl.cli.ground_helpers import BURDEN
from opsctl.cli.ground_limits import GroundLimits
from opsctl.cli.ground_lines import GroundLines
from opsctl.cli.ground_readers import GroundReaders
from opsctl.core.errors import NotReadyError
from opsctl.stack.model import PartName

if TYPE_CHECKING:
    from opsctl.chaos.proxy.toxics import Toxic
    from opsctl.core.clock import Clock

_COMMAND_SECONDS = 180.0
_NICENESS = 5


class ProvingGround(GroundFiles, GroundLimits, GroundDatabase, GroundReaders):
    """A stack of its own (`chaos.ground.Ground`), in a project of its own; `proving_setup.proving_ground` makes one.

    What undoes a fault needs nothing but what is on disk and in the kernel, so another process can do it: the watchdog,
    when whoever made the fault is gone.
    """

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        super().__init__(root, clock=clock)
        self.command_seconds = _COMMAND_SECONDS
        self.lines = GroundLines(self.helpers)
        self.leases = Leases(self.home / "chaos" / "leases")

    def disturb(self, line: str, toxic: "Toxic", *, by: str) -> None:
        """Spoil a line between the service and what it depends on."""
        self.lines.disturb(line, toxic, by=by)

    def calm(self, line: str, *, by: str) -> None:
        """Let a line be as it was before this fault."""
        self.lines.calm(line, by=by)

    def burden(self, resource: str, *, amount: int) -> None:
        """Take CPU or memory of this machine, and wait until it is really taken.

        It ends with the watchdog, not with whoever made it: a command that makes a fault by hand is gone at once.
        """
        name = f"{BURDEN}{resource}"
        self.helpers.start_own(
            name,
            "opsctl.chaos.burden",
            *(resource, str(amount), "--parent", str(self.helpers.require_watchdog())),
            is_ready=lambda: self.helpers.weighs(name, resource, amount=amount),
        )

    def unburden(self, resource: str) -> None:
        """Give it back."""
        self.helpers.end(f"{BURDEN}{resource}")

    def opsctl(self, *words: str) -> str:
        """Run a command of opsctl in this project and return what it printed.

        Raises:
            NotReadyError: ALR091 when it fails.
        """
        try:
            done = subprocess.run(
                [*_modest(), sys.executable, "-m", "opsctl", "--project", str(self.root), *words],
                # Without any setting of the caller's: the ground must never touch other servers.
                env={name: value for name, value in os.environ.items() if not name.startswith("OPSCTL_")},
                capture_output=True,
                stdin=subprocess.DEVNULL,
                text=True,
                timeout=self.command_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            why = f"it was not done after {error.timeout:g} s, and was ended"
            raise self._failed(words, why) from error
        if done.returncode != 0:
            raise self._failed(words, (done.stderr or done.stdout).strip()[-2000:])
        return done.stdout

    def post_alert(self, labels: Mapping[str, str]) -> None:
        """Hand a made-up alert to Alertmanager."""
        from opsctl.clients.alertmanager import Alertmanager, PostedAlert
        from opsctl.stack.status import stack_status

        url = stack_status(self.home).url_of(PartName.ALERTMANAGER)
        Alertmanager(url or "").post([PostedAlert(labels=labels, annotations={})])

    def end(self) -> None:
        """Undo what holds, and end every process; what cannot be ended keeps none of the others.

        The watchdog goes last: it does all of this itself, should whoever began it be killed.
        """
        from opsctl.cli.dr_scratch import scratch_homes
        from opsctl.core.events import ignore
        from opsctl.stack.down import stop_stack

        with ExitStack() as closing:  # the last one first, each of them whatever becomes of the others
            if self.home.exists():
                closing.callback(self.helpers.end_watchdog)
                for home in (self.home, *scratch_homes(self.home)):
                    closing.callback(stop_stack, home, listener=ignore, clock=self._clock)
                closing.callback(self.helpers.end_all)
            if self.holds:
                closing.callback(self.release)
            closing.callback(self.end_stutters)

    def _failed(self, words: Sequence[str], why: str) -> NotReadyError:
        return NotReadyError(
            f"`opsctl {' '.join(words)}` failed on the proving ground",
            code="ALR091",
            why=why,
            fix=f"look at it: opsctl --project {self.root} stack status",
        )


def _modest() -> list[str]:
    """Return what lets the stack step back behind those who measure it, where the cores are not enough for all."""
    nice = shutil.which("nice")
    return [nice, "-n", str(_NICENESS)] if nice else []
