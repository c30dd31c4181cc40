"""Which processes make up the stack, and how each is run in this project."""

from pathlib import Path
from typing import assert_never

from opsctl.stack import postgres, vectors
from opsctl.stack.model import PartName, PartSpec, Place


def plan_place(home: Path, name: PartName, *, recorded: Place | None) -> Place:
    """Decide where a part that does not run is to live."""
    match name:
        case PartName.POSTGRES:
            return postgres.plan_place(home, recorded=recorded)
        case PartName.VECTORS:
            return vectors.plan_place(home, recorded=recorded)
        case _:
            assert_never(name)


def specify(home: Path, name: PartName, *, place: Place) -> PartSpec:
    """Return how a part is run at its place."""
    match name:
        case PartName.POSTGRES:
            return postgres.specify(home, place)
        case PartName.VECTORS:
            return vectors.specify(place)
        case _:
            assert_never(name)


def part_url(name: PartName, *, port: int) -> str:
    """Return the address under which a part answers."""
    match name:
        case PartName.POSTGRES:
            return postgres.database_url(port)
        case PartName.VECTORS:
            return vectors.url(port)
        case _:
            assert_never(name)
