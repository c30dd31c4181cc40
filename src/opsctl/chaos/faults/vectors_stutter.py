"""The vector database is stopped for most of each two seconds, as by a disk that hangs or a neighbour that takes the CPU.

Searches become slow, but do not fail.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT004"
TITLE = "the vector database stalls again and again"
NEEDS_OF_HOLDER = "a thread that takes turns"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.stutter("vectors", stalled_seconds=1.5, running_seconds=0.4)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.run_steadily("vectors")
