"""The limit of open files of the service is set to what it has open: no new connection can be taken in or made."""

from opsctl.chaos.ground import Ground

CODE = "FLT052"
TITLE = "the service may open no more files"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.limit("files")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.unlimit("files")
