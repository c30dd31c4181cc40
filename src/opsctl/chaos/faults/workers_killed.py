"""The worker processes end with SIGKILL, as by the kernel for want of memory. The main process starts others; L1 is empty then."""

from opsctl.chaos.ground import Ground

CODE = "FLT048"
TITLE = "all workers of the service are killed"


def apply(ground: Ground, how_many: int | None = None) -> None:
    """Make it."""
    ground.kill_workers(how_many=how_many)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.start("service")
