"""Answers arrive in pieces of 64 bytes, 5 ms apart: correct, and late."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Slice

CODE = "FLT035"
TITLE = "answers of the vector database come in small pieces"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Slice(bytes_per_piece=64, pause_seconds=0.005), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
