"""The network refuses every connection to PostgreSQL, and cuts those that are open."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Down

CODE = "FLT036"
TITLE = "connections to PostgreSQL are refused"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("database", Down(), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("database", by=CODE)
