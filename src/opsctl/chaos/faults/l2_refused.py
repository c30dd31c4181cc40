"""The Redis behind L2 is gone. Every lookup becomes a question to the source."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Down

CODE = "FLT040"
TITLE = "connections to the shared cache are refused"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("l2", Down(), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("l2", by=CODE)
