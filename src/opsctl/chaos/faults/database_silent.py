"""Connections to PostgreSQL are accepted, and nothing is ever answered. A client without time limits of its own would hang for minutes."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Silent

CODE = "FLT037"
TITLE = "PostgreSQL accepts and never answers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("database", Silent(), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("database", by=CODE)
