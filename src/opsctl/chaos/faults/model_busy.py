"""The scoring model refuses with 429 and `Retry-After: 30`. Whoever asks again before that only makes it worse, and pays for it."""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Fail

CODE = "FLT045"
TITLE = "the scoring model says 429 and asks to come again in 30 s"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("model", Fail(status=429, retry_after_seconds=30.0), by=CODE)
    # Scores are kept for an hour: without this nobody would ask the model, and the fault would be none.
    ground.opsctl("cache", "invalidate", "--kind", "agent_score")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("model", by=CODE)
