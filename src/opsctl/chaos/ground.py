"""What can a fault do: the ground on which it is made, a whole stack that nobody else uses."""

from collections.abc import Callable, Mapping
from typing import Protocol


class Ground(Protocol):
    """A stack of its own with readers that ask for feeds; parts are named as in `opsctl stack status`.

    Every method that changes something has one that undoes it, and undoing twice, or without need, is no error.
    """

    def kill(self, part: str) -> None:
        """End a part with SIGKILL, as a machine that dies would."""
        ...

    def start(self, part: str) -> None:
        """Bring a part up again and wait until it is ready."""
        ...

    def stutter(self, part: str, *, stalled_seconds: float, running_seconds: float) -> None:
        """Stop and continue all processes of a part in turns, until `run_steadily`."""
        ...

    def run_steadily(self, part: str) -> None:
        """Let a part run without interruption again."""
        ...

    def execute(self, *statements: str) -> None:
        """Run SQL statements in one transaction."""
        ...

    def hold(self, statement: str) -> None:
        """Run a statement in a transaction that stays open until `release`."""
        ...

    def release(self) -> None:
        """End what `hold` began."""
        ...

    def send(self, *, returning: float, new: float) -> None:
        """Let so many known and so many new readers a second ask for their feeds."""
        ...

    def send_as_usual(self) -> None:
        """Let readers ask as they do without a fault."""
        ...

    def opsctl(self, *words: str) -> str:
        """Run a command of opsctl in the project of this ground and return what it printed."""
        ...

    def edit(self, part: str, change: Callable[[str], str]) -> None:
        """Change the configuration of a watcher and have it read again, even where it then refuses it."""
        ...

    def unedit(self, part: str) -> None:
        """Give a watcher the configuration back that it had, and have it read again."""
        ...

    def post_alert(self, labels: Mapping[str, str]) -> None:
        """Hand a made-up alert to Alertmanager, as if Prometheus had sent it."""
        ...

    def damage_shared_cache(self) -> None:
        """Overwrite the middle of the file of L2."""
        ...
