"""How the embedded vector node is started and asked whether it is ready."""

import sys
from pathlib import Path

from opsctl.core.extras import lacking
from opsctl.stack.model import Part, PartName, PartSpec, Place, stack_dir
from opsctl.stack.ports import HOST
from opsctl.stack.web_part import web_place, web_url
from opsctl.stack.web_probe import not_ready_because


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide folder and port; the recorded port is kept when it is free."""
    return web_place(home, PartName.VECTORS, data_dir=stack_dir(home) / "vectors", recorded=recorded)


def specify(_home: Path, place: Place) -> PartSpec:
    """Return how this vector node is run."""
    return PartSpec(
        name=PartName.VECTORS,
        place=place,
        argv=(
            *(sys.executable, "-m", "opsctl.stack.vector_node"),
            *("--host", HOST, "--port", str(place.port), "--data", str(place.data_dir)),
        ),
        url=web_url(place.port),
        prepare=lambda: place.data_dir.mkdir(parents=True, exist_ok=True),
        not_ready_because=lambda: not_ready_because(place.port, "/readyz"),
        finish=lambda: None,
        passing_troubles=("Address already in use",),
    )


def missing_because() -> str | None:
    """Return the reason why the vector node cannot be run here; None where it can."""
    return lacking("local", "qdrant_edge", "granian", "uvloop")


PART = Part(
    name=PartName.VECTORS,
    plan_place=plan_place,
    specify=specify,
    url=web_url,
    missing_because=missing_because,
    extra="local",
)
