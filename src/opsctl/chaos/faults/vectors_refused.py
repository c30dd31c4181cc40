"""The network refuses every connection to the vector database, and cuts those that are open.

Feeds that are not stored are made without a search: by what is popular, in the order that suits the reader.
"""

from opsctl.chaos.ground import Ground
from opsctl.chaos.proxy.toxics import Down

CODE = "FLT021"
TITLE = "connections to the vector database are refused"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.disturb("vectors", Down(), by=CODE)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.calm("vectors", by=CODE)
