"""Half of the answers of the vector database end after 600 bytes, although their length was announced as more."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Truncate

CODE = "FLT031"
TITLE = "answers of the vector database are cut off"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Truncate(after_bytes=600, share=0.5), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
