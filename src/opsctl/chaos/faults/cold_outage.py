"""The vector database dies, and what the caches held is dropped: the worst time for it to die.

Every request for a feed fails, so it shows how fast a total outage is noticed.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT003"
TITLE = "the vector database is killed while the caches are empty"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.kill("vectors")
    ground.opsctl("cache", "invalidate", "--all")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.start("vectors")
