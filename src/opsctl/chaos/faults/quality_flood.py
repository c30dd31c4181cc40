"""A bad import sets the quality of all items to 0.2; feeds are full of them within seconds, and nothing fails."""

from opsctl.chaos.ground import Ground

CODE = "FLT012"
TITLE = "an import makes all items bad"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.execute(
        "create table quality_before as select id, quality from content",
        "update content set quality = 0.2",
    )


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.execute(
        "create table if not exists quality_before as select id, quality from content",
        "update content set quality = known.quality from quality_before known where known.id = content.id",
        "drop table quality_before",
    )
