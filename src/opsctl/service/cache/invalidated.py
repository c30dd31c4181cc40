"""What does a worker hold that nobody has invalidated since: its memory, kept up to date by the machine's journal."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from opsctl.core.errors import NotReadyError
from opsctl.metrics import service as metrics
from opsctl.service.cache.journal import EVERYTHING, InvalidationJournal
from opsctl.service.cache.keys import L1_KINDS
from opsctl.service.cache.memory import Entry, MemoryTier, kind_of
from opsctl.service.telemetry.meters import Meters

_logger = logging.getLogger(__name__)


class InvalidatedMemory:
    """A `MemoryTier` before each of whose lookups the new marks of the journal are applied.

    Args:
        meters: counts what was dropped.
        key_revoked: told the prefix of each API key that a mark `apikey:` names, None when any may be meant.
    """

    def __init__(
        self,
        memory: MemoryTier,
        journal: InvalidationJournal,
        *,
        meters: Meters,
        key_revoked: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self.memory = memory
        self.journal = journal
        self.key_revoked = key_revoked
        self._meters = meters
        self._applied = journal.sequence

    @property
    def sequence(self) -> int:
        """Return the journal's number now; note it before making an entry and hand it to `put`."""
        return self.journal.sequence

    @property
    def is_current(self) -> bool:
        """Tell whether every mark that was posted until now is applied."""
        return self.journal.sequence == self._applied

    def get(self, key: str) -> Entry | None:
        """Return an entry that is kept and was not invalidated; None when there is none."""
        if self.journal.sequence != self._applied:
            self.catch_up()
        return self.memory.get(key)

    def put(  # noqa: PLR0913 - what an entry is, and since when it was being made
        self,
        key: str,
        value: Any,
        *,
        size_bytes: int,
        fresh_seconds: float,
        kept_seconds: float,
        tags: Sequence[str] = (),
        since: int,
    ) -> bool:
        """Hold a value unless something that it says was invalidated while it was made, after number `since`."""
        # First what was posted is applied, then looked through: what is posted in between is seen by the look and
        # applied later, while the other way round it would be applied before there is anything to drop.
        if self.journal.sequence != self._applied:
            self.catch_up()
        if is_outdated(self.journal, key=key, tags=tags, since=since):
            return False
        return self.memory.put(
            key,
            value,
            size_bytes=size_bytes,
            fresh_seconds=fresh_seconds,
            kept_seconds=kept_seconds,
            tags=tags,
        )

    def catch_up(self) -> None:
        """Apply what was posted since the last time."""
        self._applied, marks = self.journal.read_since(self._applied)
        for mark in (EVERYTHING,) if marks is None else marks:
            self._apply(mark)

    def tend(self) -> None:
        """Do what needs no lookup: hear of a journal made anew, let expired entries go, tell the figures.

        Call it every few seconds from a task of the worker.
        """
        self._reattach()
        self.catch_up()
        self.memory.sweep()
        self.write_figures()

    def _reattach(self) -> None:
        try:
            is_another = self.journal.reattach()
        except NotReadyError as error:
            # Without the new journal the old one still serves those who have it, and the rest is to be done all the same.
            _logger.warning("invalidations may not be heard: %s (%s)", error.message, error.why)
            return
        if is_another:
            self._applied = self.journal.sequence
            self._apply(EVERYTHING)

    def write_figures(self) -> None:
        """Tell what is held now of each kind, also of those of which nothing was ever held."""
        nothing = dict.fromkeys(L1_KINDS, (0, 0))
        for kind, (entries, size) in (nothing | self.memory.by_kind()).items():
            self._meters.set(metrics.CACHE_ENTRIES, "l1", kind, to=entries)
            self._meters.set(metrics.CACHE_BYTES, "l1", kind, to=size)

    def _apply(self, mark: str) -> None:
        form, _, rest = mark.partition(":")
        match form:
            case "tag":
                self._drop(self.memory.keys_of(rest))
            case "key":
                self._drop((rest,))
            case "kind":
                self._drop(self.memory.keys_of_kind(rest))
            case "apikey":
                self.key_revoked(rest)
            case _:
                # `all`, and whatever a newer release may post.
                self._count_all()
                self.memory.clear()
                self.key_revoked(None)

    def _drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            if self.memory.drop(key):
                self._meters.count(metrics.CACHE_INVALIDATIONS, "l1", kind_of(key))

    def _count_all(self) -> None:
        for kind, (entries, _) in self.memory.by_kind().items():
            self._meters.count(metrics.CACHE_INVALIDATIONS, "l1", kind, by=entries)


def is_outdated(
    journal: InvalidationJournal, *, key: str, tags: Sequence[str], since: int, until: int | None = None
) -> bool:
    """Tell whether a mark posted after number `since`, and not after `until`, speaks of this entry."""
    if journal.sequence == since:
        return False
    _, marks = journal.read_since(since)
    if marks is None:
        return True
    if until is not None:
        marks = marks[: max(until - since, 0)]
    named = {EVERYTHING, f"key:{key}", f"kind:{kind_of(key)}", *(f"tag:{tag}" for tag in tags)}
    return not named.isdisjoint(marks)
