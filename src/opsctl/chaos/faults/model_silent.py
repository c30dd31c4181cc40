"""The scoring model takes calls and never answers."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Silent

CODE = "FLT044"
TITLE = "the scoring model never answers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("model", Silent(), by=CODE)
    # Scores are kept for an hour: without this nobody would ask the model, and the fault would be none.
    ground.opsctl("cache", "invalidate", "--kind", "agent_score")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("model", by=CODE)
