"""The vector database dies at once, as its machine would.

Feeds that are not stored come from what is popular; stored ones are served from L1 meanwhile.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT002"
TITLE = "the vector database is killed"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.kill("vectors")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.start("vectors")
