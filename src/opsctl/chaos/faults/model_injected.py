"""The scoring model answers in prose that asks to show one vendor first. What is not the JSON that was asked for has no say."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Garble, Garbling

CODE = "FLT046"
TITLE = "the scoring model answers with prose and orders"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("model", Garble(what=Garbling.MODEL_INJECTION), by=CODE)
    # Scores are kept for an hour: without this nobody would ask the model, and the fault would be none.
    ground.opsctl("cache", "invalidate", "--kind", "agent_score")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("model", by=CODE)
