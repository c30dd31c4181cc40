"""Are the events of a simulation those that were simulated: a manifest of every file, written last, held against the folder."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from opsctl.clients.files import file_error, read_text, write_atomically
from opsctl.core.errors import UsageError

FILE = "manifest.json"
_SCHEMA = "opsctl.experiments.simulation/1"
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One file of a simulation, as it was written."""

    bytes: int
    sha256: str


def bind(folder: Path) -> str:
    """Write the manifest of everything in a folder, and return its SHA-256; it is there as a whole or not at all."""
    files = {
        name: {"bytes": each.bytes, "sha256": each.sha256} for name, each in sorted(_files(folder).items())
    }
    text = orjson.dumps({"schema": _SCHEMA, "files": files}, option=orjson.OPT_INDENT_2) + b"\n"
    write_atomically(folder / FILE, text)
    return hashlib.sha256(text).hexdigest()


def require_bound(folder: Path, *, name: str) -> None:
    """Refuse a simulation of which a file is gone, was added or is not what was written.

    Raises:
        NotReadyError: FIL001 a file cannot be read.
        UsageError: EXP131 it is so, or nothing says what was written: an older version simulated it, or was killed.
    """
    wanted, found = _read(folder, name=name), _files(folder)
    gone = sorted(wanted.keys() - found.keys())
    added = sorted(found.keys() - wanted.keys())
    changed = sorted(each for each in wanted.keys() & found.keys() if wanted[each] != found[each])
    what = [
        f"{_names(files)} {'is' if len(files) == 1 else 'are'} {fate}"
        for files, fate in ((gone, "gone"), (added, "new"), (changed, "changed"))
        if files
    ]
    if what:
        raise _unbound(folder, name=name, why="; ".join(what))


def _read(folder: Path, *, name: str) -> Mapping[str, Bound]:
    path = folder / FILE
    if not path.is_file():
        raise _unbound(folder, name=name, why=f"there is no `{FILE}`, so nothing says what was written")
    try:
        document = orjson.loads(read_text(path))
        if document["schema"] != _SCHEMA:
            raise ValueError(f"its schema is `{document['schema']}`")  # noqa: TRY301 - told like any other fault of it
        return {
            file: Bound(bytes=int(each["bytes"]), sha256=str(each["sha256"]))
            for file, each in document["files"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unbound(folder, name=name, why=f"`{FILE}` cannot be read: {error}") from error


def _files(folder: Path) -> dict[str, Bound]:
    """Return all files below a folder but the manifest; hidden ones are somebody's unfinished work, and nobody reads them."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts != (FILE,) and not any(part.startswith((".", "_")) for part in parts):
            found["/".join(parts)] = _bound(path)
    return found


def _bound(path: Path) -> Bound:
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Bound(bytes=path.stat().st_size, sha256=digest)
    except OSError as error:
        raise file_error(error, path=path, doing="read") from error


def _names(files: list[str]) -> str:
    named = ", ".join(f"`{file}`" for file in files[:_MOST_NAMED])
    return named if len(files) <= _MOST_NAMED else f"{named} and {len(files) - _MOST_NAMED} more"


def _unbound(folder: Path, *, name: str, why: str) -> UsageError:
    return UsageError(
        f"the events in `{folder}` are not those that were simulated",
        code="EXP131",
        why=why,
        fix=f"opsctl experiments simulate {name}",
    )
