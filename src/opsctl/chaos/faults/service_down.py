"""The ranking service dies with all its workers."""

from opsctl.chaos.ground import Ground

CODE = "FLT008"
TITLE = "the service is killed"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.kill("service")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.start("service")
