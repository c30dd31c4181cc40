"""Entries of L2 hold the bytes of other entries, or noise. Each is checked before it is used, dropped, and counted."""

from opsctl.chaos.ground import Ground

CODE = "FLT055"
TITLE = "entries of the shared cache are those of others, and noise"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.poison_shared_cache()


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.cleanse_shared_cache()
