"""Every message of PostgreSQL comes two seconds late."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Latency

CODE = "FLT038"
TITLE = "PostgreSQL answers two seconds late"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("database", Latency(delay_seconds=2.0, jitter_seconds=0.2), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("database", by=CODE)
