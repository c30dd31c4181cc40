"""The vectors that the database gives are half as long as they should be, as after a change of the embedding model."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Garble, Garbling

CODE = "FLT029"
TITLE = "vectors have half of their numbers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Garble(what=Garbling.WRONG_DIMENSION), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
