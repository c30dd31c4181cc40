"""Of which code is a certificate: everything that decides a verdict once the moments are there, and of which libraries."""

import hashlib
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path

import opsctl.experiments as experiments_package

FOLDERS = ("statistics", "analysis")
FILES = ("book.py", "effects.py", "metric_book.py", "verdict.py", "warehouse/model.py")
"""Beside the folders: what the book means, how an effect is read, what follows from what was shown."""
UNBOUND = ("simulation_book.py",)
"""What is drawn in with them, and decides no verdict: how a book's readers are simulated."""


def code_digest(files: Iterable[tuple[str, Path]] | None = None) -> str:
    """Return the SHA-256 of this code, comments and all: a certificate is of exactly these bytes."""
    digest = hashlib.sha256()
    for name, path in bound_files() if files is None else files:
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def bound_files() -> Iterator[tuple[str, Path]]:
    """Yield each file that a certificate is of, with its path below `experiments`, always in the same order."""
    root = Path(experiments_package.__path__[0])
    for folder in FOLDERS:
        yield from ((f"{folder}/{path.name}", path) for path in sorted((root / folder).glob("*.py")))
    yield from ((name, root / name) for name in FILES)


def versions_here() -> dict[str, str]:
    """Return what this machine computes with."""
    import numpy as np
    import scipy

    return {"numpy": np.__version__, "python": platform.python_version(), "scipy": scipy.__version__}
