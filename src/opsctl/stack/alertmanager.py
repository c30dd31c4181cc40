"""How Alertmanager of the stack is run: alone, on loopback, with the configuration that was made of the alert books."""

import shutil
from pathlib import Path

from opsctl.stack.model import Part, PartName, PartSpec, Place, stack_dir
from opsctl.stack.ports import HOST
from opsctl.stack.watch_files import alertmanager_file, read_intervals
from opsctl.stack.web_part import web_place, web_url
from opsctl.stack.web_probe import not_ready_because

# Debian calls it by its longer name.
_PROGRAMS = ("prometheus-alertmanager", "alertmanager")


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide folder and port; the recorded port is kept when it is free."""
    return web_place(
        home, PartName.ALERTMANAGER, data_dir=stack_dir(home) / "alertmanager", recorded=recorded
    )


def specify(home: Path, place: Place) -> PartSpec:
    """Return how this Alertmanager is run."""
    return PartSpec(
        name=PartName.ALERTMANAGER,
        place=place,
        argv=(
            _program() or _PROGRAMS[0],
            f"--config.file={alertmanager_file(home)}",
            f"--storage.path={place.data_dir}",
            f"--web.listen-address={HOST}:{place.port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ),
        url=web_url(place.port),
        prepare=lambda: _prepare(home, place),
        not_ready_because=lambda: not_ready_because(place.port, "/-/ready"),
        finish=lambda: None,
        passing_troubles=("address already in use",),
    )


def missing_because() -> str | None:
    """Return the reason why Alertmanager cannot be run here; None where it can."""
    return (
        None
        if _program()
        else "there is no Alertmanager on the PATH: apt-get install prometheus-alertmanager"
    )


def _prepare(home: Path, place: Place) -> None:
    read_intervals(home)  # says what to do where nothing was written yet
    place.data_dir.mkdir(parents=True, exist_ok=True)


def _program() -> str | None:
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


PART = Part(
    name=PartName.ALERTMANAGER,
    plan_place=plan_place,
    specify=specify,
    url=web_url,
    required=False,
    on_demand=True,
    missing_because=missing_because,
)
