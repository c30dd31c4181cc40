"""A transaction that somebody forgot, such as a migration that waits for input, locks the table of interactions.

Queries wait until they time out, and hold the connections of the pool meanwhile.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT007"
TITLE = "somebody holds a lock on the table of interactions"
NEEDS_OF_HOLDER = "its readers and a transaction that stays open"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.send(returning=10, new=20)
    ground.hold("lock table interactions in access exclusive mode")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.release()
    ground.send_as_usual()
