"""The line to the vector database carries 16 KB a second: a saturated network."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Bandwidth

CODE = "FLT034"
TITLE = "the line to the vector database carries 16 KB a second"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Bandwidth(bytes_per_second=16_000), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
