"""All processes of PostgreSQL are stopped for a second, then run for a while, and so on.

Queries become slow, but do not fail.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT006"
TITLE = "PostgreSQL stalls again and again"
NEEDS_OF_HOLDER = "a thread that takes turns"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.stutter("postgres", stalled_seconds=1.0, running_seconds=0.6)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.run_steadily("postgres")
