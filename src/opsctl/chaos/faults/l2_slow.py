"""Every answer of the Redis behind L2 comes half a second late."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Latency

CODE = "FLT042"
TITLE = "the shared cache answers half a second late"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("l2", Latency(delay_seconds=0.5, jitter_seconds=0.05), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("l2", by=CODE)
