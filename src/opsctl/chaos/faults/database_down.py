"""PostgreSQL dies at once; when it comes back it recovers from its write-ahead log."""

from opsctl.chaos.ground import Ground

CODE = "FLT005"
TITLE = "PostgreSQL is killed"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.kill("postgres")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.start("postgres")
