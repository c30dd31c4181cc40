"""One process for each core computes without end beside the service."""

import os

from opsctl.chaos.ground import Ground

CODE = "FLT050"
TITLE = "others take every core"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.burden("cpu", amount=len(os.sched_getaffinity(0)))


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unburden("cpu")
