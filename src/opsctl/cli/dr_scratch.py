"""Where is a trial or a restore put together, and what becomes of what a killed one has left: servers and a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import RefusedError

if TYPE_CHECKING:
    from opsctl.core.events import Listener

TRIAL, RESTORE = "verify", "restore"


@contextmanager
def scratch_home(kind: str, *, token: str, listener: "Listener") -> Iterator[Path]:
    """Give the name of a state folder beside that of the project, ours as long as we live; who ends removes it.

    Those of others that were killed are removed first.
    """
    from opsctl.cli import dr_place, wiring
    from opsctl.clients.file_locks import FileLock

    home, locks = wiring.settings().home, dr_place.notes_folder() / "scratch"
    _clear(home, locks=locks, listener=listener)
    name = f"{kind}-{token}"
    # The lock is there before the folder is, so whoever clears never takes ours for one that nobody has.
    lock = locks / f"{name}.lock"
    with FileLock(lock, what=f"a {kind}"):
        try:
            yield home / name
        finally:
            lock.unlink(missing_ok=True)


def scratch_homes(home: Path) -> tuple[Path, ...]:
    """Return the state folders of trials and restores beside that of a project, at work or left."""
    return tuple(folder for kind in (TRIAL, RESTORE) for folder in home.glob(f"{kind}-*"))


def _clear(home: Path, *, locks: Path, listener: "Listener") -> None:
    from opsctl.clients.file_locks import FileLock

    for folder in scratch_homes(home):
        try:
            with FileLock(locks / f"{folder.name}.lock"):
                _remove(folder, listener=listener)
        except RefusedError:
            continue  # it is at work
        (locks / f"{folder.name}.lock").unlink(missing_ok=True)


def _remove(folder: Path, *, listener: "Listener") -> None:
    from opsctl.cli import wiring
    from opsctl.core.events import Noted, ignore
    from opsctl.stack.down import stop_stack
    from opsctl.stack.placement import remove_state

    listener(
        Noted(subject="restore", message=f"`{folder.name}` was left by a run that was killed, and is removed")
    )
    stop_stack(folder, listener=ignore, clock=wiring.clock())
    remove_state(folder)
