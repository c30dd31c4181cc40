"""How far has an export come: one small file beside what it wrote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import UsageError

NAME = "export.json"
_SCHEMA = "opsctl.experiments.export/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportState:
    """How far an export has come.

    Args:
        watermarks: of each table, the id up to which all rows are in files.
        complete_until: everything that the database had received by then is in files; None before the first export has
            come to its end.
    """

    watermarks: Mapping[str, int] = field(default_factory=dict)
    complete_until: datetime | None = None


def read_export_state(folder: Path) -> ExportState | None:
    """Return how far the export into this folder has come, None where there was none.

    Raises:
        UsageError: EXP072 the file says nothing that can be read.
    """
    import orjson

    path = folder / NAME
    if not path.is_file():
        return None
    try:
        return _state_of(orjson.loads(read_text(path)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"`{path}` does not say how far the export has come",
            code="EXP072",
            why=str(error),
            fix="restore it, or export into an empty folder",
        ) from error


def write_export_state(folder: Path, state: ExportState) -> None:
    """Write down how far the export has come."""
    import orjson

    document = {
        "schema": _SCHEMA,
        "watermarks": dict(state.watermarks),
        "complete_until": None if state.complete_until is None else state.complete_until.isoformat(),
    }
    data = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    write_atomically(folder / NAME, data + b"\n")


def _state_of(document: dict[str, Any]) -> ExportState:
    if document["schema"] != _SCHEMA:
        raise ValueError(f"its schema is `{document['schema']}`, not `{_SCHEMA}`")
    until = document["complete_until"]
    return ExportState(
        watermarks={str(name): int(each) for name, each in document["watermarks"].items()},
        complete_until=None if until is None else datetime.fromisoformat(until),
    )
