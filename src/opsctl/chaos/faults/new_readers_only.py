"""Every request is for a feed that no cache holds, as after a change of the key of the cache, or when a crawler comes."""

from opsctl.chaos.ground import Ground

CODE = "FLT011"
TITLE = "only readers ask who never asked before"
NEEDS_OF_HOLDER = "its readers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.send(returning=0, new=12)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.send_as_usual()
