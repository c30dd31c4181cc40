"""Entries of L2 hold the bytes of other entries, or noise. Each is checked before it is used, dropped, and counted."""

from opsctl.chaos.ground import Ground

CODE = "FLT055"
TITLE = "entries of the shared cache are those of others, and noise"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.poison_shared_cache()


def undo(_ground: Ground) -> None:
    """Nothing is to be done: what was poisoned was dropped when it was read, or goes with the cache."""
