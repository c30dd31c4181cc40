"""Connections to PostgreSQL are reset after a few kilobytes, as while it fails over."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Reset

CODE = "FLT039"
TITLE = "connections to PostgreSQL are reset again and again"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("database", Reset(after_bytes=4000), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("database", by=CODE)
