"""How do rendered files get onto the disk, or are compared with what is there, and nobody else's are touched?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError

if TYPE_CHECKING:
    from opsctl.cli.rendered_folder import RenderedFolder
    from opsctl.config.settings import Settings
    from opsctl.core.differences import Difference

KEEPS_A_FOLDER = frozenset({".gitkeep", ".gitignore"})
"""Files of git that may stand in any folder."""


def out_folder(text: str) -> Path:
    """Return the folder that `--out` names.

    Raises:
        RefusedError: FIL007 it names none, which would be the folder that we stand in.
    """
    if not text.strip():
        raise _refusal("`--out` names no folder", fix="name one, or leave `--out` away")
    return Path(text)


def changes_of(
    folder: Path, files: Mapping[str, str], *, settings: "Settings", is_check: bool, dry_run: bool
) -> "tuple[Difference, ...]":
    """Return how a folder differs from what is rendered, once it is rendered there, unless it is only looked at."""
    if is_check:
        return compare(folder, files)
    return render_into(folder, files, settings=settings, dry_run=dry_run)


def compare(folder: Path, files: Mapping[str, str]) -> "tuple[Difference, ...]":
    """Return how a folder differs from what is rendered; nothing is changed."""
    from opsctl.cli.rendered_folder import look_at
    from opsctl.core.differences import differences

    found = look_at(folder, files)
    _tell_strangers(found)
    return differences(files, found.there)


def render_into(
    folder: Path, files: Mapping[str, str], *, settings: "Settings", dry_run: bool = False
) -> "tuple[Difference, ...]":
    """Bring a folder to what is rendered, and return how it differed; one render at a time.

    Raises:
        RefusedError: FIL007 the folder is somebody else's; FIL002 another render is at work there.
    """
    from hashlib import sha256

    from opsctl.cli.rendered_folder import look_at
    from opsctl.clients.file_locks import FileLock
    from opsctl.core.differences import differences

    if dry_run:
        require_own(look_at(folder, files), settings)
        return compare(folder, files)
    name = sha256(bytes(folder.resolve())).hexdigest()[:16]
    with FileLock(settings.home / "rendering" / f"{name}.lock", what=f"rendering into {folder}"):
        found = look_at(folder, files)
        require_own(found, settings)
        _write(found, files)
    _tell_strangers(found)
    return differences(files, found.there)


def require_own(found: "RenderedFolder", settings: "Settings") -> None:
    """Refuse a folder that is somebody else's: a render replaces files, and removes those that it no longer makes."""
    from opsctl.cli.rendered_folder import LOCK

    require_beside_project(found.path, settings)
    there = [each for each in (*found.holds, *found.there) if each not in KEEPS_A_FOLDER]
    if there and not found.is_ours:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise _refusal(
            f"`{found.path}` is not empty, and no render of this kind has left its `{LOCK}` there",
            why=f"it holds `{there[0]}`{more}",
            fix="name an empty folder; if everything in this one was rendered, remove it first",
        )


def require_beside_project(folder: Path, settings: "Settings") -> None:
    """Refuse a folder that holds the project, or any book of it.

    Raises:
        RefusedError: FIL007 it does.
    """
    chosen, books = folder.resolve(), settings.project.books.model_dump().values()
    for place in (settings.root, *(settings.root / book for book in books)):
        if place.resolve().is_relative_to(chosen):
            raise _refusal(f"`{folder}` holds the project or its books", fix="name a folder of its own")


def _write(found: "RenderedFolder", files: Mapping[str, str]) -> None:
    """Remove what an earlier render has left, then write what differs, each file as a whole."""
    from opsctl.cli.rendered_folder import LOCK
    from opsctl.clients.files import file_error, write_atomically

    for path in set(found.there) - set(files):
        try:
            (found.path / path).unlink(missing_ok=True)
        except OSError as error:
            raise file_error(error, path=found.path / path, doing="remove") from error
    # The lock first: a render that is killed leaves a folder of which the next one knows that it is its own.
    for path in sorted(files, key=lambda each: each != LOCK):
        if found.there.get(path) != files[path]:
            write_atomically(found.path / path, files[path])


def _tell_strangers(found: "RenderedFolder") -> None:
    """Say what no render has made: a watcher that reads the folder reads it, too."""
    from rich.markup import escape

    from opsctl.ui.console import note

    if found.holds and found.is_ours:
        more = f" and {len(found.holds) - 1} more" if len(found.holds) > 1 else ""
        note(f"no render has made {escape(f'`{found.holds[0]}`')}{more}; left as it is")


def _refusal(message: str, *, why: str | None = None, fix: str) -> RefusedError:
    return RefusedError(message, code="FIL007", why=why, fix=fix)
