"""All workers die and everything that was cached is gone, while readers go on asking."""

from opsctl.chaos.ground import Ground

CODE = "FLT060"
TITLE = "the service starts with empty caches while everybody asks"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.opsctl("cache", "invalidate", "--all")
    ground.kill_workers()


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.start("service")
