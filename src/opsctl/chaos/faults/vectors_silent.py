"""Connections to the vector database are accepted, and nothing is ever answered: a process that hangs, a firewall that drops."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Silent

CODE = "FLT024"
TITLE = "the vector database accepts and never answers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Silent(), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
