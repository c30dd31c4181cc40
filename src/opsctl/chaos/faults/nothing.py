"""No fault at all: for what must fire while everything is well, and for the drill without a fault."""

from opsctl.chaos.ground import Ground

CODE = "FLT001"
TITLE = "nothing is broken"


def apply(ground: Ground) -> None:
    """Make it."""
    del ground


def undo(ground: Ground) -> None:
    """Take it back."""
    del ground
