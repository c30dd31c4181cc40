"""Half of the calls of the vector database are answered with 503: a partial outage, in which retries of everybody would be the rest."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Fail

CODE = "FLT033"
TITLE = "half of the searches fail"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Fail(status=503, share=0.5), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
