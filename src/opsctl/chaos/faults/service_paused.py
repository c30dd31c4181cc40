"""All processes of the service are stopped, and their connections stay open: gray failure. Whoever asks waits."""

from opsctl.chaos.ground import Ground

CODE = "FLT049"
TITLE = "the service is stopped"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.pause("service")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.resume("service")
