"""The scoring model answers with scores that are no numbers."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Garble, Garbling

CODE = "FLT047"
TITLE = "the scoring model answers with NaN"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("model", Garble(what=Garbling.MODEL_NAN), by=CODE)
    # Scores are kept for an hour: without this nobody would ask the model, and the fault would be none.
    ground.opsctl("cache", "invalidate", "--kind", "agent_score")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("model", by=CODE)
