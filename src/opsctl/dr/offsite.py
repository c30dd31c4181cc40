"""How does the second copy, far away, come to be: what is missing there is copied as it lies here, sealed as it is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from opsctl.clients.repository import GONE, Repository, StoredObject
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError, NotReadyError, OpsError, RefusedError
from opsctl.core.events import Listener
from opsctl.core.phases import told_phase
from opsctl.dr.archiver.backoff import Backoff

_LONGEST_REST_SECONDS = 300.0
_CATCHING_UP_SECONDS = 1.0
_MOST_OWED = 20_000
# A place from which nobody may remove anything is a good one: it answers, and takes what is put.
_MAY_NOT_REMOVE = frozenset({"REP007", "REP009"})


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

    The second place must not hold up the first one. Where it fails it is left alone for a while, longer after each
    failure; what it did not get waits, and follows by itself, removals last: what takes the place of an object is there
    before that is gone. What waits when this process ends, or is too much, is left for `copy_missing`; a removal then is
    not made up for, and the object does no harm there.

    Args:
        here: the first place.
        there: the second one.
        told: hears what went wrong there, and how many objects wait.
        clock: tells how long it was left alone.
    """

    def __init__(
        self, here: Repository, there: Repository, *, told: Callable[[OpsError, int], None], clock: Clock
    ) -> None:
        self._here = here
        self._there = there
        self._told = told
        self._clock = clock
        self._rest = Backoff(most_seconds=_LONGEST_REST_SECONDS)
        self._owed: dict[str, Callable[[], object]] = {}
        self._owed_removals: dict[str, Callable[[], object]] = {}

    @property
    def place(self) -> str:
        """Return both places."""
        return f"{self._here.place} and {self._there.place}"

    def put(self, key: str, pieces: Iterable[bytes]) -> StoredObject:
        """Keep a content here, then there."""
        kept = self._here.put(key, pieces)
        self._owed_removals.pop(key, None)
        self._owe(self._owed, key, lambda: _copy(key, self._here, self._there))
        self.catch_up()
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
        self._owed.pop(key, None)
        self._owe(self._owed_removals, key, lambda: self._remove(key))
        self.catch_up()

    def catch_up(self) -> None:
        """Have the second place do what it still owes, where it is time for a try; no longer than it must take."""
        began = now = self._clock.monotonic()
        while self._waiting() and self._rest.may_try(now) and now - began < _CATCHING_UP_SECONDS:
            self._settle(self._owed or self._owed_removals)
            now = self._clock.monotonic()

    def _owe(self, owed: dict[str, Callable[[], object]], key: str, do: Callable[[], object]) -> None:
        owed.pop(key, None)
        owed[key] = do
        if self._waiting() > _MOST_OWED:
            oldest = self._owed_removals or self._owed
            del oldest[next(iter(oldest))]

    def _waiting(self) -> int:
        return len(self._owed) + len(self._owed_removals)

    def _settle(self, owed: dict[str, Callable[[], object]]) -> None:
        key = next(iter(owed))
        do = owed.pop(key)
        try:
            do()
        except NotReadyError as error:
            owed[key] = do  # as the last one: an object that is never taken must not keep the others
            self._rest.failed(self._clock.monotonic())
            self._told(error, self._waiting())
        except OpsError as error:
            self._told(error, self._waiting())
        else:
            self._rest.succeeded()

    def _remove(self, key: str) -> None:
        try:
            self._there.delete(key)
        except NotReadyError as error:
            if error.code not in _MAY_NOT_REMOVE:
                raise
            self._told(error, self._waiting())


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
