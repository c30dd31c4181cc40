"""A process holds a gigabyte of memory that is written to, and more of the page cache with it."""

from opsctl.chaos.ground import Ground

CODE = "FLT051"
TITLE = "others take a gigabyte of memory"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.burden("memory", amount=1024)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unburden("memory")
