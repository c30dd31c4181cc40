"""How does the second copy, far away, come to be: what is missing there is copied as it lies here, sealed as it is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from opsctl.clients.repository import GONE, Repository, StoredObject
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError, OpsError, RefusedError
from opsctl.core.events import Listener
from opsctl.core.phases import told_phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What was copied."""

    objects: int
    size_bytes: int


def copy_missing(
    here: Repository, there: Repository, *, prefixes: Sequence[str], listener: Listener, clock: Clock
) -> Copied:
    """Copy every object below the prefixes that is not there yet, in the order of the prefixes.

    An object under a key never changes, so the same key is the same object. Name the manifests' prefix last: a backup
    must not be seen there before all of it is. What is removed here meanwhile, as an archiver does with pieces of the
    log that it has superseded, is not missed.
    """
    missing = [found for prefix in prefixes for found in _missing(here, there, prefix=prefix)]
    total = sum(found.size_bytes for found in missing)
    copied: list[StoredObject] = []
    with told_phase("off-site", "copy", listener=listener, clock=clock, total=total, unit="bytes") as copying:
        for found in missing:
            if _copy(found.key, here, there):
                copied.append(found)
            copying.advance(found.size_bytes)
        done = Copied(objects=len(copied), size_bytes=sum(found.size_bytes for found in copied))
        copying.figures |= {"objects": done.objects, "bytes": done.size_bytes}
    return done


class MirroredRepository:
    """A repository whose objects go to a second place too (`clients.repository.Repository`).

    What the second place does not take is told and left for `copy_missing`: it must not hold up the first one.
    """

    def __init__(self, here: Repository, there: Repository, *, told: Callable[[OpsError], None]) -> None:
        self._here = here
        self._there = there
        self._told = told

    @property
    def place(self) -> str:
        """Return both places."""
        return f"{self._here.place} and {self._there.place}"

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Keep a content here, then there."""
        kept = self._here.put(key, pieces)
        try:
            self._there.put(key, self._here.get(key))
        except RefusedError:
            return kept  # it is there already
        except OpsError as error:
            self._told(error)
        return kept

    def get(self, key: str) -> Iterator[bytes]:
        """Yield a content of the first place."""
        return self._here.get(key)

    def find(self, key: str) -> StoredObject | None:
        """Return what the first place knows of an object."""
        return self._here.find(key)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield the objects of the first place."""
        return self._here.list(prefix)

    def delete(self, key: str) -> None:
        """Remove an object from both; what cannot be removed there is told."""
        self._here.delete(key)
        try:
            self._there.delete(key)
        except OpsError as error:
            self._told(error)


def _copy(key: str, here: Repository, there: Repository) -> bool:
    """Copy one object, and tell whether it is there by our doing."""
    try:
        there.put(key, here.get(key))
    except RefusedError:
        return False  # somebody else has just copied it
    except FailedError as error:
        if error.code != GONE or here.find(key) is not None:
            raise
        return False
    return True


def _missing(here: Repository, there: Repository, *, prefix: str) -> Iterator[StoredObject]:
    known = {found.key for found in there.list(prefix)}
    return (found for found in here.list(prefix) if found.key not in known)
