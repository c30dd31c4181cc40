"""Somebody holds the watermarks of the outbox while all items change: caches and vectors fall behind."""

from opsctl.chaos.ground import Ground

CODE = "FLT014"
TITLE = "nobody follows the changes of items"
NEEDS_OF_HOLDER = "a transaction that stays open"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.hold("select from outbox_watermarks for update")
    ground.execute("update content set attributes = attributes || '{\"drill\": true}'")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.release()
    ground.execute("update content set attributes = attributes - 'drill'")
