"""What can a fault do: the ground on which it is made, a whole stack that nobody else uses."""

from collections.abc import Callable, Mapping
from typing import Protocol

from opsctl.chaos.proxy.toxics import Toxic


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

    def kill_workers(self, *, how_many: int | None = None) -> None:
        """End worker processes of the service with SIGKILL, all without a number; its main process starts others."""
        ...

    def pause(self, part: str) -> None:
        """Stop all processes of a part with SIGSTOP: they are there, and do nothing."""
        ...

    def resume(self, part: str) -> None:
        """Let them go on."""
        ...

    def disturb(self, line: str, toxic: Toxic, *, by: str) -> None:
        """Spoil a line between the service and `vectors`, `database`, `l2` or `model`, for the fault of this code."""
        ...

    def calm(self, line: str, *, by: str) -> None:
        """Let a line be as it was before this fault; what others do to it stays."""
        ...

    def burden(self, resource: str, *, amount: int) -> None:
        """Take so much of a resource of this machine: `cpu` in processes, `memory` in MiB."""
        ...

    def unburden(self, resource: str) -> None:
        """Give it back."""
        ...

    def limit(self, resource: str) -> None:
        """Let the service open no more `files`, or write none longer (`bytes`), than it does now."""
        ...

    def unlimit(self, resource: str) -> None:
        """Give it back what it had."""
        ...

    def forget_what_is_popular(self) -> None:
        """Remove the file from which a starting worker knows what is popular; a running one writes it anew."""
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

    def press(self, how: str, *, per_second: float) -> None:
        """Let others press the service beside the readers, so often.

        `hot` asks for one feed, `batch` for many that nobody waits for, `abuse` sends what no honest client does.
        """
        ...

    def relieve(self) -> None:
        """Let only readers ask again."""
        ...

    def let_retry(self, *, times: int) -> None:
        """Let readers ask so many times more when they get an error."""
        ...

    def retry_as_usual(self) -> None:
        """Let readers ask again after an error as often as they do without a fault."""
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

    def poison_shared_cache(self) -> None:
        """Put the bytes of one entry of L2 under the key of another, and noise under a third."""
        ...

    def cleanse_shared_cache(self) -> None:
        """Remove the entries that were put there."""
        ...

    def damage_shared_cache(self) -> None:
        """Overwrite the middle of the file of L2."""
        ...
