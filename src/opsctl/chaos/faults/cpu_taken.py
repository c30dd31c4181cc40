"""Two processes for each core compute without end beside the service."""

from opsctl.chaos.ground import Ground

CODE = "FLT050"
TITLE = "others take every core"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.burden("cpu", amount=4)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unburden("cpu")
