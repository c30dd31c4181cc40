"""Requests stop coming, as when a load balancer or a name sends them elsewhere; the service itself is well."""

from opsctl.chaos.ground import Ground

CODE = "FLT010"
TITLE = "no reader asks any more"
NEEDS_OF_HOLDER = "its readers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.send(returning=0, new=0)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.send_as_usual()
