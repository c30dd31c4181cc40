"""The vector database is there for five seconds and gone for five, as behind a load balancer whose health check is at odds with it.

Tiers must not follow each turn: a breaker that opens again stays open longer.
"""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Flap

CODE = "FLT023"
TITLE = "the vector database comes and goes each five seconds"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Flap(up_seconds=5.0, down_seconds=5.0), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
