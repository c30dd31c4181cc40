"""How is a pair of keys made: the secret one into a file that nobody else reads, the public one for the book."""

from dataclasses import dataclass
from pathlib import Path

from opsctl.core.errors import RefusedError

_NAME = "opsctl-backup.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """The public key, and the file of the secret one."""

    recipient: str
    file: str


def make(to: str | None) -> MadeKey:
    """Make a pair.

    Raises:
        RefusedError: DRC070 the file is there already.
    """
    from opsctl.cli import dr_place
    from opsctl.clients.files import write_atomically
    from opsctl.clients.sealing import new_key

    path = Path(to) if to is not None else dr_place.notes_folder() / _NAME
    if path.exists() or path.is_symlink():
        raise RefusedError(
            f"`{path}` is there already",
            code="DRC070",
            why="a key that is lost takes every backup with it that was made for it",
            fix="name another file: opsctl dr key --to FILE",
        )
    identity, recipient = new_key()
    write_atomically(path, identity, mode=0o600)
    return MadeKey(recipient=recipient, file=str(path))
