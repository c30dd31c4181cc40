"""The scoring model is gone. Feeds are ranked by the agents without its scores."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Down

CODE = "FLT043"
TITLE = "connections to the scoring model are refused"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("model", Down(), by=CODE)
    # Scores are kept for an hour: without this nobody would ask the model, and the fault would be none.
    ground.opsctl("cache", "invalidate", "--kind", "agent_score")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("model", by=CODE)
