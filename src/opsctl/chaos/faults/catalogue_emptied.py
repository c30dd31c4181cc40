"""A bad import archives all items; feeds are empty, although every part of the service is well."""

from opsctl.chaos.ground import Ground

CODE = "FLT013"
TITLE = "every item is archived"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.execute(
        "create table status_before as select id, status from content",
        "update content set status = 'archived'",
    )
    ground.opsctl("cache", "invalidate", "--all")


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.execute(
        "create table if not exists status_before as select id, status from content",
        "update content set status = known.status from status_before known where known.id = content.id",
        "drop table status_before",
    )
