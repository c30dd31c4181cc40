"""The Redis behind L2 hangs. Without a breaker every feed would wait for it once for each kind of entry."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Silent

CODE = "FLT041"
TITLE = "the shared cache accepts and never answers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("l2", Silent(), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("l2", by=CODE)
