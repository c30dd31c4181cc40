"""Where are backups kept: a place for objects by name that appear whole or not at all, and are never overwritten."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from opsctl.core.errors import FailedError, RefusedError, UsageError

# What is safe as a path of a file system and as a key of every object store alike.
_STEP = r"[A-Za-z0-9][A-Za-z0-9._@=+-]{0,199}"
_KEY = re.compile(rf"{_STEP}(/{_STEP})*", re.ASCII)
_LONGEST_KEY = 800
GONE = "REP003"
"""The code of the error for an object that is not there, or not whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as the repository lists it."""

    key: str
    size_bytes: int
    modified_at: datetime


class Repository(Protocol):
    """A place for objects; `tests/contracts/test_repositories.py` says what each kind of place must do."""

    @property
    def place(self) -> str:
        """Return where it is, fit for messages."""
        ...

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Keep a content under a key, durably; it appears as a whole, once the last piece is there.

        An error that `pieces` raises goes through, and nothing has appeared.

        Raises:
            UsageError: REP001 for a bad key.
            RefusedError: REP002 when there is such an object already.
        """
        ...

    def get(self, key: str) -> Iterator[bytes]:
        """Yield the content, a bounded piece at a time.

        Raises:
            FailedError: REP003 when there is no such object, it ends early, or its disk cannot be read there.
        """
        ...

    def find(self, key: str) -> StoredObject | None:
        """Return what is known of an object; None when there is none."""
        ...

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield every object whose key begins with `prefix`, in the order of keys; half-written ones are no objects."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...


def is_key(text: str) -> bool:
    """Tell whether a name can be the key of an object; what else lies in a repository is nobody's business."""
    return len(text) <= _LONGEST_KEY and _KEY.fullmatch(text) is not None


def checked_key(key: str) -> str:
    """Return a key that is safe in every kind of repository.

    Raises:
        UsageError: REP001.
    """
    if not is_key(key):
        raise UsageError(
            f"`{key}` cannot be the key of an object",
            code="REP001",
            why="a key is up to 800 letters, digits and `._@=+-`, in steps that begin with a letter or digit, "
            "with `/` between them",
            fix="name the backup anew; keys are made by opsctl, so this one was typed or is damaged",
        )
    return key


def occupied(key: str, *, place: str) -> RefusedError:
    """Return the error for a key that holds something already."""
    return RefusedError(
        f"there is an object `{key}` in {place} already",
        code="REP002",
        why="nothing in a repository is ever overwritten",
        fix="look at what is kept: opsctl dr list",
    )


def missing(key: str, *, place: str, why: str = "it is gone") -> FailedError:
    """Return the error for an object that is not there, or not whole."""
    return FailedError(
        f"object `{key}` of {place} cannot be read",
        code=GONE,
        why=why,
        fix="find a copy that is whole: opsctl dr verify --all",
    )
