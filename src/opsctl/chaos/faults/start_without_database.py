"""PostgreSQL is down, the workers die, and what was popular is forgotten: the new ones know no key and no item.

The one outage that the tiers cannot cover, since nobody can be told from a stranger.
"""

from opsctl.chaos.ground import Ground

CODE = "FLT058"
TITLE = "the workers start while PostgreSQL is down and nothing is known"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.kill("postgres")
    ground.forget_what_is_popular()
    ground.kill_workers()


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.start("postgres")
