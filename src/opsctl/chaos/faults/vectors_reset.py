"""Half of the answers of the vector database end in a reset. One more try is allowed, as far as the retry budget goes."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Reset

CODE = "FLT032"
TITLE = "connections to the vector database are reset in the middle of an answer"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Reset(after_bytes=600, share=0.5), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
