"""The workers are stopped for most of each second, as by a neighbour that takes the CPU."""

from opsctl.chaos.ground import Ground

CODE = "FLT009"
TITLE = "the service stalls again and again"
NEEDS_OF_HOLDER = "a thread that takes turns"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.stutter("service", stalled_seconds=1.5, running_seconds=0.5)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.run_steadily("service")
