"""How the ranking service is started as a part of the stack and asked whether it is ready."""

import sys
from pathlib import Path

from opsctl.core.extras import lacking
from opsctl.stack.model import Part, PartName, PartSpec, Place
from opsctl.stack.ports import HOST
from opsctl.stack.record import read_stack_record
from opsctl.stack.web_part import web_place, web_url
from opsctl.stack.web_probe import not_ready_because


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide folder and port; the recorded port is kept when it is free."""
    return web_place(home, PartName.SERVICE, data_dir=home / "service", recorded=recorded)


def specify(home: Path, place: Place) -> PartSpec:
    """Return how the service of the project is run; without a recorded project folder it is the one around `home`."""
    project = read_stack_record(home).project or home.parent
    return PartSpec(
        name=PartName.SERVICE,
        place=place,
        argv=(
            *(sys.executable, "-m", "opsctl.service", "--project", str(project)),
            *("--host", HOST, "--port", str(place.port)),
        ),
        url=web_url(place.port),
        prepare=lambda: place.data_dir.mkdir(parents=True, exist_ok=True),
        not_ready_because=lambda: not_ready_because(place.port, "/readyz"),
        finish=lambda: None,
        passing_troubles=("Address already in use", "address in use"),
    )


def missing_because() -> str | None:
    """Return the reason why the service cannot be run here; None where it can."""
    return lacking("service", "fastapi", "granian", "lmdb", "msgspec", "structlog")


PART = Part(
    name=PartName.SERVICE,
    plan_place=plan_place,
    specify=specify,
    url=web_url,
    required=False,
    missing_because=missing_because,
    extra="service",
)
