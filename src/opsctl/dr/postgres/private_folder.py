"""How is a folder made into which only one account can look."""

import os
from pathlib import Path

from opsctl.clients.processes import Account


def make_private_folder(path: Path, *, account: Account | None) -> None:
    """Make a folder that only its owner can enter; None is ourselves."""
    path.mkdir(mode=0o700)
    path.chmod(0o700)
    if account is not None:
        os.chown(path, account.uid, account.gid)
