"""Searches are answered with nothing, as after an alias was pointed at an empty collection. An empty feed is a failure, and is never given."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Garble, Garbling

CODE = "FLT027"
TITLE = "searches bring nothing"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Garble(what=Garbling.EMPTY), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
