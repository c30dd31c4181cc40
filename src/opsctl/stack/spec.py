"""Which processes make up the stack, and how each is run in this project."""

from pathlib import Path
from typing import assert_never

from opsctl.stack import postgres, vectors
from opsctl.stack.model import Place, ServiceName, ServiceSpec


def plan_place(home: Path, name: ServiceName, *, recorded: Place | None) -> Place:
    """Decide where a part that does not run is to live."""
    match name:
        case ServiceName.POSTGRES:
            return postgres.plan_place(home, recorded=recorded)
        case ServiceName.VECTORS:
            return vectors.plan_place(home, recorded=recorded)
        case _:
            assert_never(name)


def specify(home: Path, name: ServiceName, *, place: Place) -> ServiceSpec:
    """Return how a part is run at its place."""
    match name:
        case ServiceName.POSTGRES:
            return postgres.specify(home, place)
        case ServiceName.VECTORS:
            return vectors.specify(place)
        case _:
            assert_never(name)


def service_url(name: ServiceName, *, port: int) -> str:
    """Return the address under which a part answers."""
    match name:
        case ServiceName.POSTGRES:
            return postgres.database_url(port)
        case ServiceName.VECTORS:
            return vectors.url(port)
        case _:
            assert_never(name)
