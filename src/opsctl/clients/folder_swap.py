"""How is a folder of files replaced as a whole: readers see the old one or the new one, also after a crash."""

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsctl.clients.files import file_error, sync_directory, sync_tree

_AT_WORKING_FOLDER = -100  # AT_FDCWD of fcntl.h
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h
# What file systems and kernels answer that cannot swap two names in one step.
_CANNOT_SWAP = frozenset({errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.EPERM})
_LONGEST_PREFIX = 48


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to be filled; at the end of the block it takes the place of `target` in one step.

    Whoever is killed in the block leaves `target` as it was, and a hidden folder beside it, which the next one removes;
    so two must not do it at once. A symbolic link stays one, its target is replaced.

    Raises:
        NotReadyError: FIL001 when the disk is full, FIL003 for any other refusal; `target` is as it was.
    """
    place = Path(os.path.realpath(target))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(place)
        fresh = Path(tempfile.mkdtemp(prefix=_prefix(place), suffix=".new", dir=place.parent))
        fresh.chmod(0o755)
    except OSError as error:
        raise file_error(error, path=target, doing="write") from error
    try:
        yield fresh
        sync_tree(fresh)
        _take_place(fresh, place)
        sync_directory(place.parent)
    except OSError as error:
        raise file_error(error, path=target, doing="write") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # by now the old one, where all went well


def _take_place(fresh: Path, place: Path) -> None:
    if not place.exists():
        fresh.rename(place)
        return
    try:
        _swap(fresh, place)
    except OSError as error:
        if error.errno not in _CANNOT_SWAP:
            raise
        # Two steps: for a moment there is neither, and a crash right there leaves the old one hidden beside it.
        aside = fresh.with_suffix(".old")
        place.rename(aside)
        fresh.rename(place)
        aside.rename(fresh)


def _swap(one: Path, other: Path) -> None:
    """Swap two names in one step."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = (bytes(one), bytes(other))
    if library.renameat2(_AT_WORKING_FOLDER, names[0], _AT_WORKING_FOLDER, names[1], _EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _remove_left(place: Path) -> None:
    """Remove what killed ones have left; an old folder that lost its name gets it back."""
    for left in sorted(place.parent.glob(f"{_prefix(place)}*")):
        if left.suffix == ".old" and not place.exists():
            left.rename(place)
        elif left.suffix in (".new", ".old"):
            shutil.rmtree(left, ignore_errors=True)


def _prefix(place: Path) -> str:
    return f".{place.name}"[:_LONGEST_PREFIX] + "."
