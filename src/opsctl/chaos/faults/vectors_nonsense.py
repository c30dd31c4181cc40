"""The vector database answers with text that is no JSON, as a proxy with an error page does."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Garble, Garbling

CODE = "FLT028"
TITLE = "answers of the vector database are no JSON"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Garble(what=Garbling.NOT_JSON), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
