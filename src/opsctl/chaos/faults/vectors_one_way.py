"""Half of a partition: requests arrive, answers are lost."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import OneWay

CODE = "FLT030"
TITLE = "requests reach the vector database, answers do not come back"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", OneWay(), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
