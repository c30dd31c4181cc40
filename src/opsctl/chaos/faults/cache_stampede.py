"""All caches are dropped at once while 200 requests a second ask for the same feed. The source is to be asked once for them, not 200 times."""

from opsctl.chaos.ground import Ground

CODE = "FLT054"
TITLE = "everything that is cached is dropped while everybody asks for one feed"
NEEDS_OF_HOLDER = "its readers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.press("hot", per_second=200)
    ground.opsctl("cache", "invalidate", "--all")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.relieve()
