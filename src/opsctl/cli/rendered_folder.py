"""What is in a folder of what a render makes, has made, or has never made?"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from opsctl.clients.files import file_error
from opsctl.clients.special_files import read_bytes
from opsctl.core.errors import UsageError

LOCK = "lock.json"
"""Names every file of a render, with its digest."""

# What `write_atomically` leaves beside a file when it is killed.
_TEMPORARY = re.compile(r"(?P<beginning>\..+)\.[a-z0-9_]{8}\.tmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFolder:
    """A folder into which is rendered.

    Args:
        path: that was asked for.
        there: the text of each file that a render makes or has made, by its path.
        is_ours: whether a render of the same kind has left its lock.
        holds: names of what else is in it.
    """

    path: Path
    there: Mapping[str, str]
    is_ours: bool
    holds: tuple[str, ...]


def look_at(folder: Path, files: Mapping[str, str]) -> RenderedFolder:
    """Return what is in a folder of what is rendered now, or was by the render that has left its lock.

    Raises:
        NotReadyError: FIL003 the folder or a file in it cannot be read.
        UsageError: FIL008 the lock in it is none.
    """
    old = _old_lock(folder)
    is_ours = old is not None and old.get("schema") == json.loads(files[LOCK])["schema"]
    known = {*files, *(_named(old, folder) if old is not None and is_ours else ())}
    every = dict(_all_files(folder))
    ours = known | {path for path in every if _is_left_by_a_killed_render(path, known)}
    return RenderedFolder(
        path=folder,
        there={path: _text(every[path]) for path in sorted(ours & set(every))},
        is_ours=is_ours,
        holds=tuple(sorted(path for path in every if path not in ours)),
    )


def _old_lock(folder: Path) -> dict[str, Any] | None:
    """Return what the last render has left; None where there is nothing."""
    path = folder / LOCK
    if not _exists(path):
        return None
    try:
        lock = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise _no_lock(path, str(error).partition("\n")[0]) from error
    if not isinstance(lock, dict) or not isinstance(lock.get("files"), dict):
        raise _no_lock(path, "it names no files")
    return lock


def _named(lock: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Yield the files that a lock names; a path that leads out of the folder was never written by a render."""
    inside = folder.resolve()
    for path in lock["files"]:
        pure = PurePosixPath(path)
        is_plain = not pure.is_absolute() and ".." not in pure.parts and "\0" not in path
        if is_plain and (folder / pure).parent.resolve().is_relative_to(inside):
            yield str(pure)


def _all_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield everything below a folder that is no folder itself; links are not followed."""

    def refuse(error: OSError) -> None:
        raise file_error(error, path=Path(str(error.filename)), doing="read") from error

    if not _exists(folder):
        return
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(parent) / name
            yield str(path.relative_to(folder)), path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise file_error(error, path=path, doing="read") from error


def _text(path: Path) -> str:
    """Return what stands in a file; bytes that are no text differ from all that is rendered."""
    try:
        return read_bytes(path, most=None).decode(errors="replace")
    except OSError as error:
        raise file_error(error, path=path, doing="read") from error


def _is_left_by_a_killed_render(path: str, known: Collection[str]) -> bool:
    pure = PurePosixPath(path)
    found = _TEMPORARY.fullmatch(pure.name)
    if found is None:
        return False
    beside = (PurePosixPath(each) for each in known)
    return any(
        each.parent == pure.parent and f".{each.name}".startswith(found["beginning"]) for each in beside
    )


def _no_lock(path: Path, why: str) -> UsageError:
    return UsageError(
        f"`{path}` is not what a render leaves",
        code="FIL008",
        why=why,
        fix="restore it from git; or remove the folder, if everything in it was rendered, and render again",
    )
