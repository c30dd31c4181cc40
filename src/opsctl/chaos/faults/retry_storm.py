"""Half of the searches fail, and every client repeats a failed request three times at once."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Fail

CODE = "FLT056"
TITLE = "half of the searches fail, and clients ask three times more"
NEEDS_OF_HOLDER = "its readers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.let_retry(times=3)
    ground.disturb("vectors", Fail(status=503, share=0.5), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
    ground.retry_as_usual()
