"""How the sink is run, which takes the messages of alerts in the place of pagers and mailboxes."""

import sys
from pathlib import Path

from opsctl.stack.model import Part, PartName, PartSpec, Place, stack_dir
from opsctl.stack.ports import choose_port
from opsctl.stack.web_part import web_url
from opsctl.stack.web_probe import not_ready_because


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide folder and both ports; recorded ones are kept when they are free."""
    return Place(
        port=choose_port(owner=f"{home}:sink", recorded=recorded.port if recorded else None),
        mail_port=choose_port(owner=f"{home}:sink mail", recorded=recorded.mail_port if recorded else None),
        data_dir=stack_dir(home) / "sink",
    )


def specify(_home: Path, place: Place) -> PartSpec:
    """Return how this sink is run."""
    return PartSpec(
        name=PartName.SINK,
        place=place,
        argv=(
            *(sys.executable, "-m", "opsctl.stack.sink", "--port", str(place.port)),
            *("--smtp-port", str(place.mail_port), "--folder", str(place.data_dir)),
        ),
        url=web_url(place.port),
        prepare=lambda: place.data_dir.mkdir(parents=True, exist_ok=True),
        not_ready_because=lambda: not_ready_because(place.port, "/-/ready"),
        finish=lambda: None,
        passing_troubles=("Address already in use",),
    )


PART = Part(
    name=PartName.SINK, plan_place=plan_place, specify=specify, url=web_url, required=False, on_demand=True
)
