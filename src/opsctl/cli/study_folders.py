"""Where do simulated studies lie, and how does a whole new one take the place of an old one?"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.experiments.studies.model import Study


def folder_of(name: str) -> Path:
    """Return where the events and figures of a simulated experiment lie."""
    from opsctl.cli import wiring

    return Path(wiring.settings().home) / "experiments" / name


@contextmanager
def scratch_of(folder: Path) -> Iterator[Path]:
    """Lend the folder in which a simulation is made; one process at a time, and what a killed one has left is removed.

    Raises:
        RefusedError: FIL002 another process simulates the same book.
    """
    import shutil

    from opsctl.clients.file_locks import FileLock

    scratch, old = folder.with_name(f".{folder.name}.new"), _old(folder)
    with FileLock(folder.with_name(f".{folder.name}.lock"), what=f"simulating {folder.name}"):
        if old.exists() and not folder.exists():
            old.rename(folder)  # killed between two renames
        for left in (scratch, old):
            shutil.rmtree(left, ignore_errors=True)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def replace_folder(folder: Path, *, by: Path) -> None:
    """Put a whole folder in the place of another one."""
    import shutil

    old = _old(folder)
    if folder.exists():
        folder.rename(old)
    by.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read(names: Iterable[str]) -> "dict[str, Study]":
    """Return the studies of these experiments that there are."""
    from opsctl.core.errors import UsageError
    from opsctl.experiments.studies.document import read_study

    found = {}
    for name in names:
        try:
            found[name] = read_study(folder_of(name), name=name)
        except UsageError:
            continue
    return found
