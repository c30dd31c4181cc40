"""Every answer of the vector database comes two seconds late.

No error tells of it; the time limit of one call and the slow-call rate of the breaker do.
"""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Latency

CODE = "FLT022"
TITLE = "the vector database answers two seconds late"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Latency(delay_seconds=2.0, jitter_seconds=0.2), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
