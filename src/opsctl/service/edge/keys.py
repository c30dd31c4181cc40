"""Whose key is this, and what may it do: answers of the database, remembered for a short while and within bounds."""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from opsctl.service.edge.gcra import Allowance
from opsctl.service.edge.key_model import Grant, KeyRecord, KeyRefusedError, KeySource, KeysUnavailableError
from opsctl.service.turns import Turns

_logger = logging.getLogger(__name__)

_SCHEME: Final = b"bearer "
_KEY: Final = re.compile(rb"opk_(?P<prefix>[A-Za-z0-9]{8})_[A-Za-z0-9]{32}")
_PREFIX: Final = slice(4, 12)
_KEY_LENGTH: Final = 45
_LONGEST_PROVEN: Final = len(_SCHEME) + _KEY_LENGTH
_MOST_KEYS: Final = 10_000
# Lookups may not take the whole pool of database connections, and made-up keys not the turns of good ones.
_KNOWN_AT_ONCE: Final = 2
_STRANGERS_AT_ONCE: Final = 2
# Enough for all clients that come to a worker that has just begun; whoever comes beyond these is told to come again.
_MOST_STRANGERS_WAITING: Final = 256
_LONGEST_LOOKUP_SECONDS: Final = 2.0
# For so long after a failed lookup the database is left alone.
_PAUSE_SECONDS: Final = 1.0


@dataclass(slots=True, kw_only=True)
class _Remembered:
    record: KeyRecord
    grant: Grant
    expires: float
    checked_at: float
    ask_again_at: float
    proof: bytes | None = None
    """SHA-256 of the header in which it was last found good."""
    is_orphaned: bool = False
    """The database did not answer when it was last asked: nobody waits for the next try."""


class KeyCheck:
    """Checks keys: `check` from memory, at once, and `ask` where memory does not know.

    A key in steady use is asked for again at half of `remembered_seconds` in the background, so that no request
    waits for it. Refusals are remembered too, apart from the good keys, and unknown keys wait for turns of their own,
    so that a flood of made-up keys neither drives out good ones nor keeps them waiting. While the database does not
    answer, a key that was good stays so for `trusted_seconds`, and nobody waits for the next try. Secrets are compared
    in constant time, and only their hashes are kept.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        source: KeySource,
        *,
        plans: Mapping[str, Allowance],
        remembered_seconds: float,
        trusted_seconds: float,
        now: Callable[[], float],
        wall: Callable[[], float],
        most_keys: int = _MOST_KEYS,
    ) -> None:
        self._source = source
        self._plans = plans
        self._remembered_seconds = remembered_seconds
        self._trusted_seconds = trusted_seconds
        self._now = now
        self._wall = wall
        self._most_keys = most_keys
        self._known: OrderedDict[str, _Remembered] = OrderedDict()
        self._proven: dict[bytes, _Remembered] = {}
        self._unknown: OrderedDict[str, float] = OrderedDict()
        # By prefix and the count of what was forgotten: nobody joins a lookup that may have read what was revoked since.
        self._lookups: dict[tuple[str, int], asyncio.Task[_Remembered | None]] = {}
        self._known_turns = Turns(at_once=_KNOWN_AT_ONCE)
        self._stranger_turns = Turns(at_once=_STRANGERS_AT_ONCE, most_waiting=_MOST_STRANGERS_WAITING)
        self._forgotten = 0
        self.used: dict[str, float] = {}
        """When each key was last good, in wall time, since somebody emptied this."""

    def check(self, authorization: bytes | None) -> Grant | None:
        """Return what the key may do; None when the database must be asked.

        Raises:
            KeyRefusedError: there is no key, or it is not good.
        """
        key = _key_of(authorization)
        prefix = key[_PREFIX].decode("latin-1")
        known = self._known.get(prefix)
        if known is None:
            self._refuse_if_unknown(prefix)
            return None
        now = self._now()
        if now >= known.ask_again_at:
            good_seconds = self._trusted_seconds if known.is_orphaned else self._remembered_seconds
            if now - known.checked_at >= good_seconds:
                return None
            self._lookup(prefix)
        return self._verify(known, key, authorization)

    async def ask(self, authorization: bytes | None) -> Grant:
        """Return what the key may do, after asking the database; all who ask for one key at once share a lookup.

        Whoever asks after a key was revoked begins a new one, so that it is refused to them.

        Raises:
            KeyRefusedError: the key is not good.
            KeysUnavailableError: the database does not answer, or too many unknown keys wait for it, and nothing
                recent is known of the key.
        """
        key = _key_of(authorization)
        if _KEY.fullmatch(key) is None:
            raise KeyRefusedError("wrong_key")
        known = await asyncio.shield(self._lookup(key[_PREFIX].decode("ascii")))
        if known is None:
            raise KeyRefusedError("wrong_key")
        return self._verify(known, key, authorization)

    def proven(self, authorization: bytes, *, now: float) -> Grant | None:
        """Return what the key may do if this very header was found good before; None says nothing, so `check` it.

        It is found by the SHA-256 of the whole header, so how long it takes tells nothing of a secret.
        """
        if len(authorization) > _LONGEST_PROVEN:
            return None
        known = self._proven.get(sha256(authorization).digest())
        if known is None or now >= known.ask_again_at:
            return None
        wall = self._wall()
        if wall >= known.expires:
            return None
        self.used[known.grant.prefix] = wall
        return known.grant

    def forget(self, prefix: str) -> None:
        """Drop what is remembered of one key; lookups under way are neither remembered nor joined any more."""
        self._forgotten += 1
        self._drop(prefix)
        self._unknown.pop(prefix, None)

    def doubt_all(self) -> None:
        """Have the database asked of every key before it is good again; any of them may have been revoked.

        Where the database does not answer they stay as good as they were: caches are emptied after a restore, too.
        """
        self._forgotten += 1
        self._unknown.clear()
        now = self._now()
        for known in self._known.values():
            self._unprove(known)
            known.is_orphaned = False
            known.checked_at = min(known.checked_at, now - self._remembered_seconds)
            known.ask_again_at = now

    @property
    def remembered_keys(self) -> int:
        """Return how many answers are remembered, refusals included."""
        return len(self._known) + len(self._unknown)

    def _verify(self, known: _Remembered, key: bytes, authorization: bytes | None) -> Grant:
        if not compare_digest(sha256(key).digest(), known.record.hash):
            raise KeyRefusedError("wrong_key")
        if known.record.revoked_at is not None:
            raise KeyRefusedError("revoked_key")
        wall = self._wall()
        if wall >= known.expires:
            raise KeyRefusedError("expired_key")
        self.used[known.record.prefix] = wall
        if authorization is not None and self._known.get(known.record.prefix) is known:
            self._unprove(known)
            known.proof = sha256(authorization).digest()
            self._proven[known.proof] = known
        return known.grant

    def _drop(self, prefix: str) -> None:
        known = self._known.pop(prefix, None)
        if known is not None:
            self._unprove(known)

    def _unprove(self, known: _Remembered) -> None:
        """Forget the header that a key was last good in; there is one at most for each remembered key."""
        if known.proof is not None:
            del self._proven[known.proof]
            known.proof = None

    def _refuse_if_unknown(self, prefix: str) -> None:
        until = self._unknown.get(prefix)
        if until is not None and self._now() < until:
            raise KeyRefusedError("wrong_key")

    def _lookup(self, prefix: str) -> "asyncio.Task[_Remembered | None]":
        """Return the lookup of a key that is under way, or begin one; it goes on when its first asker leaves."""
        key = prefix, self._forgotten
        task = self._lookups.get(key)
        if task is None:
            task = self._lookups[key] = asyncio.create_task(self._look_up(prefix, self._forgotten))
            task.add_done_callback(lambda done: self._finish(key, done))
        return task

    def _finish(self, key: tuple[str, int], task: "asyncio.Task[_Remembered | None]") -> None:
        del self._lookups[key]
        if not task.cancelled():
            task.exception()  # fetched, so that one that nobody waited for is not reported as lost

    async def _look_up(self, prefix: str, forgotten: int) -> _Remembered | None:
        turns = self._known_turns if prefix in self._known else self._stranger_turns
        try:
            async with asyncio.timeout(_LONGEST_LOOKUP_SECONDS), turns.one():
                # What is read is as old as the question, not as the answer.
                asked_at = self._now()
                record = await self._source.find(prefix)
        except Exception as error:  # noqa: BLE001 - whatever ails the database, good keys go on
            return self._without_database(prefix, error)
        found = None if record is None else self._remembered(record, asked_at=asked_at)
        if forgotten == self._forgotten:
            self._remember(prefix, found)
        return found

    def _without_database(self, prefix: str, error: Exception) -> _Remembered:
        known, now = self._known.get(prefix), self._now()
        if known is None or now - known.checked_at >= self._trusted_seconds:
            raise KeysUnavailableError(prefix) from error
        if not known.is_orphaned:
            _logger.warning("keys cannot be looked up; `%s` is trusted as it was: %s", prefix, error)
        known.is_orphaned = True
        known.ask_again_at = now + _PAUSE_SECONDS
        return known

    def _remembered(self, record: KeyRecord, *, asked_at: float) -> _Remembered:
        plan = record.plan if record.plan in self._plans else "free"
        return _Remembered(
            record=record,
            grant=Grant(prefix=record.prefix, plan=plan, scopes=record.scopes, allowance=self._plans[plan]),
            expires=float("inf") if record.expires_at is None else record.expires_at.timestamp(),
            checked_at=asked_at,
            ask_again_at=asked_at + self._remembered_seconds / 2,
        )

    def _remember(self, prefix: str, found: _Remembered | None) -> None:
        self._drop(prefix)
        if found is None:
            self._unknown[prefix] = self._now() + self._remembered_seconds
            if len(self._unknown) > self._most_keys:
                self._unknown.popitem(last=False)
        else:
            self._unknown.pop(prefix, None)
            self._known[prefix] = found
            if len(self._known) > self._most_keys:
                self._drop(next(iter(self._known)))


def _key_of(authorization: bytes | None) -> bytes:
    if authorization is None:
        raise KeyRefusedError("no_key")
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        raise KeyRefusedError("no_key")
    key = authorization[len(_SCHEME) :].strip()
    if len(key) != _KEY_LENGTH or not key.startswith(b"opk_"):
        raise KeyRefusedError("wrong_key")
    return key
