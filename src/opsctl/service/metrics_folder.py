"""Where do the workers of one service keep their figures: a folder of its main process, in memory where possible."""

import os
import re
import shutil
from pathlib import Path

from opsctl.clients.procfs import read_stat

# The files are sparse and mapped into memory: on a disk that fills up, writing into a hole of one kills the worker.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder below is our own user's alone
_NAME = re.compile(r"opsctl-metrics-(?P<user>\d+)-(?P<pid>\d+)")


def metrics_folder(fallback: Path) -> Path:
    """Return a new folder for this process, for its owner only; those of services that ended are removed.

    Two services of one project have one each, so neither counts into the other's figures.

    Args:
        fallback: where it is made on a machine without a file system in memory.
    """
    base = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else fallback
    for old in base.glob(f"opsctl-metrics-{os.getuid()}-*"):
        found = _NAME.fullmatch(old.name)
        if found is not None and read_stat(int(found["pid"])) is None:
            shutil.rmtree(old, ignore_errors=True)
    folder = base / f"opsctl-metrics-{os.getuid()}-{os.getpid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
