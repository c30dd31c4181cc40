"""Requests that never end, bodies that are too large, paths of thousands of characters, keys that nobody has. Others must not notice."""

from opsctl.chaos.ground import Ground

CODE = "FLT059"
TITLE = "clients send what no honest one does"
NEEDS_OF_HOLDER = "its readers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.press("abuse", per_second=50)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.relieve()
