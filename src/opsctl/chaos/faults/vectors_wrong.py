"""Searches are answered at once, with good scores and the ids of other items, as by a stale alias or an index built wrong.

Nothing fails. Only a question of which the answer is known finds it: the sentinel asks for an item's own neighbours.
"""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Garble, Garbling

CODE = "FLT025"
TITLE = "searches bring the wrong items"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Garble(what=Garbling.SHUFFLE_IDS), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
