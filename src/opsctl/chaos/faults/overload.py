"""New readers ask so often that not every feed can be made by the agents; batch work asks beside them."""

from opsctl.chaos.ground import Ground

CODE = "FLT057"
TITLE = "three times as many new readers as can be served"
NEEDS_OF_HOLDER = "its readers"


def apply(ground: Ground) -> None:
    """Make it."""
    ground.send(returning=20.0, new=250.0)
    ground.press("batch", per_second=50)


def undo(ground: Ground) -> None:
    """Take it back."""
    ground.relieve()
    ground.send_as_usual()
