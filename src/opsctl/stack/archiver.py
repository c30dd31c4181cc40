"""How the archiver is run, which ships the WAL of the database into the repository of the backups as it is written."""

import sys
import time
from pathlib import Path

from opsctl.core.extras import lacking
from opsctl.stack.model import Part, PartName, PartSpec, Place, stack_dir
from opsctl.stack.record import read_stack_record

_NOTE = Path("dr") / "archiver" / "status.json"
"""What it notes of itself, below the state folder, each time that it has looked."""
_FRESH_SECONDS = 60.0


def plan_place(home: Path, _recorded: Place | None) -> Place:
    """Decide its folder; it listens nowhere."""
    return Place(port=0, data_dir=stack_dir(home) / "archiver")


def specify(home: Path, place: Place) -> PartSpec:
    """Return how the archiver of the project is run."""
    project = read_stack_record(home).project or home.parent
    return PartSpec(
        name=PartName.ARCHIVER,
        place=place,
        argv=(sys.executable, "-m", "opsctl", "--project", str(project), "dr", "archive"),
        url="",
        prepare=lambda: _prepare(home, place),
        not_ready_because=lambda: _not_ready_because(home),
        finish=lambda: None,
    )


def missing_because() -> str | None:
    """Return the reason why the archiver cannot be run here; None where it can."""
    return lacking("backup", "zstandard")


def _prepare(home: Path, place: Place) -> None:
    """Make its folder, and remove the note of the one before, which says nothing of this one."""
    place.data_dir.mkdir(parents=True, exist_ok=True)
    (home / _NOTE).unlink(missing_ok=True)


def _not_ready_because(home: Path) -> str | None:
    try:
        age_seconds = time.time() - (home / _NOTE).stat().st_mtime
    except OSError:
        return "it has not noted anything yet"
    return None if age_seconds < _FRESH_SECONDS else f"its last note is {age_seconds:.0f} s old"


PART = Part(
    name=PartName.ARCHIVER,
    plan_place=plan_place,
    specify=specify,
    url=lambda _port: "",
    required=False,
    on_demand=True,
    missing_because=missing_because,
    extra="backup",
)
