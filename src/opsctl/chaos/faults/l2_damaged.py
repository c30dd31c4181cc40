"""The middle of the file of L2 is overwritten, as by a disk that lies.

The first worker that notices makes the file anew.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT015"
TITLE = "the file of the shared cache is damaged"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.damage_shared_cache()


def undo(ground: Ground) -> None:
    """Take it back."""
    del ground  # the service itself makes the file anew
