"""Where did the stack put its parts, and as which processes: what `up` writes and all other verbs read."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsctl.clients.files import read_text, write_atomically
from opsctl.clients.process_family import ProcessRecord
from opsctl.clients.processes import Account, is_alive, read_record
from opsctl.core.errors import UsageError
from opsctl.stack.model import PartName, Place, pid_path, stack_dir

_SCHEMA = "opsctl.stack.record/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRecord:
    """The recorded places.

    `borrowed` says that a command started the stack for its own duration only; `project` is the folder of
    opsctl.yaml, which the ranking service needs.
    """

    places: dict[PartName, Place] = field(default_factory=dict)
    borrowed: bool = False
    project: Path | None = None


def record_path(home: Path) -> Path:
    """Return the state file."""
    return stack_dir(home) / "state.json"


def read_stack_record(home: Path) -> StackRecord:
    """Return what was recorded; an empty record before the first start.

    Raises:
        UsageError: STK003 when the file is damaged.
    """
    path = record_path(home)
    if not path.is_file():
        return StackRecord()
    try:
        values = json.loads(read_text(path))
        if _is_copied(values["home"], home=home):
            return StackRecord()
        parts = (
            values["services"] if "services" in values else values["parts"]
        )  # as the first version named them
        places = {PartName(name): _place(place) for name, place in parts.items()}
        project = values.get("project")
        return StackRecord(
            places=places, borrowed=bool(values["borrowed"]), project=Path(project) if project else None
        )
    except (ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        raise UsageError(
            f"`{path}` is damaged",
            code="STK003",
            why=str(error),
            fix=f"stop the stack's processes by the pid files beside it, then remove it: rm {path}",
        ) from error


def read_process(home: Path, name: PartName) -> ProcessRecord | None:
    """Return the recorded process of a part; None when nothing was started or it is another project's."""
    if name not in read_stack_record(home).places:
        return None
    return read_record(pid_path(home, name))


def runs(home: Path, name: PartName) -> bool:
    """Tell whether the recorded process of a part is alive."""
    process = read_process(home, name)
    return process is not None and is_alive(process)


def write_stack_record(home: Path, record: StackRecord) -> None:
    """Replace the state file."""
    parts = {str(name): _values(place) for name, place in sorted(record.places.items())}
    document = {
        "schema": _SCHEMA,
        "home": str(home),
        "project": str(record.project) if record.project else None,
        "borrowed": record.borrowed,
        "parts": parts,
    }
    write_atomically(record_path(home), json.dumps(document, indent=2) + "\n")


def _is_copied(recorded_home: str, *, home: Path) -> bool:
    """Tell whether the project was copied, state and all: the processes then belong to the original.

    A project that was moved, so that its old folder is gone, keeps its processes.
    """
    return Path(recorded_home) != home and Path(recorded_home).exists()


def _values(place: Place) -> dict[str, Any]:
    return {
        "port": place.port,
        "data_dir": str(place.data_dir),
        "mail_port": place.mail_port,
        "programs_dir": str(place.programs_dir) if place.programs_dir else None,
        "account": {"uid": place.account.uid, "gid": place.account.gid} if place.account else None,
    }


def _place(values: dict[str, Any]) -> Place:
    if type(values["port"]) is not int:
        raise TypeError(f"port `{values['port']}` is no number")
    return Place(
        port=values["port"],
        data_dir=Path(values["data_dir"]),
        mail_port=values.get("mail_port"),
        programs_dir=Path(values["programs_dir"]) if values["programs_dir"] else None,
        account=Account(**values["account"]) if values["account"] else None,
    )
