"""How the exporter is run, which tells Prometheus what no worker of the service counts."""

import sys
from pathlib import Path

from opsctl.core.extras import lacking
from opsctl.stack.model import Part, PartName, PartSpec, Place, stack_dir
from opsctl.stack.record import read_stack_record
from opsctl.stack.web_part import web_place, web_url
from opsctl.stack.web_probe import not_ready_because


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide folder and port; the recorded port is kept when it is free."""
    return web_place(home, PartName.EXPORTER, data_dir=stack_dir(home) / "exporter", recorded=recorded)


def specify(home: Path, place: Place) -> PartSpec:
    """Return how the exporter of the project is run."""
    project = read_stack_record(home).project or home.parent
    return PartSpec(
        name=PartName.EXPORTER,
        place=place,
        argv=(
            *(sys.executable, "-m", "opsctl", "--project", str(project)),
            *("metrics", "export", "--port", str(place.port)),
        ),
        url=web_url(place.port),
        prepare=lambda: place.data_dir.mkdir(parents=True, exist_ok=True),
        not_ready_because=lambda: not_ready_because(place.port, "/-/ready"),
        finish=lambda: None,
        passing_troubles=("Address already in use",),
    )


def missing_because() -> str | None:
    """Return the reason why the exporter cannot be run here; None where it can."""
    return lacking("local", "prometheus_client")


PART = Part(
    name=PartName.EXPORTER,
    plan_place=plan_place,
    specify=specify,
    url=web_url,
    required=False,
    on_demand=True,
    missing_because=missing_because,
    extra="local",
)
