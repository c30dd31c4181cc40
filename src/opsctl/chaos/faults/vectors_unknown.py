"""Searches bring ids that no catalogue knows, as of a collection of another environment."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Garble, Garbling

CODE = "FLT026"
TITLE = "searches bring items that are not there"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Garble(what=Garbling.UNKNOWN_IDS), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
