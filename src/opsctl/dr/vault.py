"""How does a content get into a repository sealed, and how is it known that what comes back is the same?"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from opsctl.clients.pieces import Tally
from opsctl.clients.repository import Repository, is_key
from opsctl.clients.sealing import Sealing
from opsctl.core.errors import FailedError, OpsError, RefusedError, UsageError
from opsctl.core.events import Listener, PhaseAdvanced, ignore
from opsctl.dr.manifest import SealedFile

_NAMED = re.compile(
    r"(?P<folder>.+)/(?P<name>[^/]+)@(?P<sha256>[0-9a-f]{64})(?P<suffix>\.zst(?:\.age)?)", re.ASCII
)
# The largest segment that PostgreSQL can be built for; sealed, what cannot be compressed grows by less than a MiB.
_LARGEST_NAMED = 1024**3
_LARGEST_STORED = _LARGEST_NAMED + 1024**2
_SEALING_CODES = "SEA"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A small thing whose key says what it is called and which bytes are stored under it."""

    key: str
    folder: str
    name: str
    stored_sha256: str
    stored_bytes: int
    modified_at: datetime


class Vault:
    """Sealed contents in a repository, each compared with its digests on the way out."""

    def __init__(self, repository: Repository, sealing: Sealing) -> None:
        self._repository = repository
        self._sealing = sealing

    @property
    def place(self) -> str:
        """Return where the repository is, fit for messages."""
        return self._repository.place

    def put(self, key: str, pieces: Iterable[bytes]) -> SealedFile:
        """Keep a content under a key, to which the suffix of the sealing is added.

        An error of `pieces` goes through, and nothing was kept.

        Raises:
            UsageError: REP001 for a bad key.
            RefusedError: REP002 when there is such an object already.
            FailedError: DRC001 when the repository kept another number of bytes than it was given.
        """
        plain, stored = Tally(), Tally()
        full_key = key + self._sealing.suffix
        sealed = self._sealing.seal(plain.through(pieces))
        kept = self._repository.put(full_key, stored.through(sealed))
        if kept.size_bytes != stored.size_bytes:
            why = f"{stored.size_bytes:,} bytes were given to it, and {kept.size_bytes:,} are there"
            raise _changed(full_key, place=self.place, why=why)
        return SealedFile(
            key=full_key,
            size_bytes=plain.size_bytes,
            sha256=plain.sha256,
            stored_bytes=stored.size_bytes,
            stored_sha256=stored.sha256,
        )

    def get(self, file: SealedFile) -> Iterator[bytes]:
        """Yield a content; its last piece comes out only when all of it was right.

        Raises:
            FailedError: DRC001 what is stored was changed, DRC002 it was wrong from the beginning, REP003 it is gone.
            UsageError: SEA003 it is encrypted and there is no key, SEA004 no key fits.
        """
        plain, stored = Tally(), Tally()
        source = stored.through(self._repository.get(file.key))
        held = b""
        try:
            for piece in plain.through(self._sealing.unseal(source)):
                if held:
                    yield held
                held = piece
        except OpsError as error:
            if not error.code.startswith(_SEALING_CODES):
                raise
            self._require_stored(file, stored, rest=source, cause=error)
            if isinstance(error, UsageError):
                raise
            raise _wrong(file.key, place=self.place, why=f"{error.message}: {error.why}") from error
        self._require_stored(file, stored, rest=source)
        if (plain.size_bytes, plain.sha256) != (file.size_bytes, file.sha256):
            raise _wrong(file.key, place=self.place, why=f"its SHA-256 is {plain.sha256}, not {file.sha256}")
        if held:
            yield held

    def check_stored(self, file: SealedFile, *, listener: Listener = ignore) -> None:
        """Read what is stored and compare it with its digest; no key is needed for that.

        The listener hears of each piece as an advance of the phase `check`.

        Raises:
            FailedError: DRC001, or REP003 when it is gone.
        """
        stored = Tally()
        for piece in stored.through(self._repository.get(file.key)):
            listener(PhaseAdvanced(subject=file.key, phase="check", advance=len(piece)))
        self._require_stored(file, stored)

    def put_named(self, prefix: str, name: str, data: bytes) -> str:
        """Keep a small thing and return its key, `prefix/name@` and the SHA-256 of what is stored.

        The same again is no error; encrypted, it never is the same, and is kept a second time under another key.

        Raises:
            UsageError: REP001, DRC004 for a bad prefix or name, DRC005 when it is too large.
            FailedError: DRC003 when there is such an object already, and it is damaged.
        """
        if len(data) > _LARGEST_NAMED:
            raise _too_large(f"{prefix}/{name}", place=self.place)
        sealed = b"".join(self._sealing.seal([data]))
        key = f"{prefix}/{name}@{hashlib.sha256(sealed).hexdigest()}{self._sealing.suffix}"
        _parsed(key)
        try:
            self._repository.put(key, [sealed])
        except RefusedError:
            self._stored(key)
        return key

    def get_named(self, key: str) -> bytes:
        """Return a small thing, once what is stored has the digest that its key says.

        Raises:
            UsageError: DRC004 for a key of another form, DRC005 when it is too large, SEA003, SEA004.
            FailedError: DRC003 when it was changed, DRC002 when it was wrong from the beginning, REP003 when it is gone.
        """
        stored = self._stored(key)
        content = bytearray()
        try:
            for piece in self._sealing.unseal([stored]):
                content += piece
                if len(content) > _LARGEST_NAMED:
                    raise _too_large(key, place=self.place)
        except FailedError as error:
            raise _wrong(key, place=self.place, why=f"{error.message}: {error.why}") from error
        return bytes(content)

    def check_named(self, key: str) -> int:
        """Read a small thing, compare it with the digest that its key says, and return its size; no key is needed for that.

        Raises:
            UsageError: DRC004 for a key of another form, DRC005 when it is too large.
            FailedError: DRC003 when it was changed, REP003 when it is gone.
        """
        return len(self._stored(key))

    def list_named(self, prefix: str) -> Iterator[NamedFile]:
        """Yield the small things below a prefix, in the order of their keys; other objects are left out."""
        for found in self._repository.list(f"{prefix}/"):
            parts = _NAMED.fullmatch(found.key)
            if parts is not None:
                yield NamedFile(
                    key=found.key,
                    folder=parts["folder"],
                    name=parts["name"],
                    stored_sha256=parts["sha256"],
                    stored_bytes=found.size_bytes,
                    modified_at=found.modified_at,
                )

    def keys_named(self, prefix: str) -> Iterator[str]:
        """Yield the keys of the small things below a prefix."""
        return (found.key for found in self.list_named(prefix))

    def _stored(self, key: str) -> bytes:
        """Return what is stored under the key of a small thing; it has the digest that the key says."""
        wanted, stored = _parsed(key)["sha256"], Tally()
        content = bytearray()
        for piece in stored.through(self._repository.get(key)):
            content += piece
            if len(content) > _LARGEST_STORED:
                raise _too_large(key, place=self.place)
        if stored.sha256 != wanted:
            raise FailedError(
                f"object `{key}` of {self.place} is not what its name says",
                code="DRC003",
                why=f"{len(content):,} bytes are there, and their SHA-256 is {stored.sha256}",
                fix="find a copy that is whole: opsctl dr verify --all",
            )
        return bytes(content)

    def _require_stored(
        self, file: SealedFile, stored: Tally, *, rest: Iterable[bytes] = (), cause: Exception | None = None
    ) -> None:
        """Require that what is stored is what was put, also what lies behind its end."""
        for _ in rest:
            pass
        if (stored.size_bytes, stored.sha256) == (file.stored_bytes, file.stored_sha256):
            return
        why = f"its SHA-256 is {stored.sha256}, not {file.stored_sha256}"
        if stored.size_bytes != file.stored_bytes:
            why = f"it has {stored.size_bytes:,} bytes, not {file.stored_bytes:,}"
        raise _changed(file.key, place=self.place, why=why) from cause


def _parsed(key: str) -> re.Match[str]:
    found = _NAMED.fullmatch(key)
    if found is None or not is_key(key):
        raise UsageError(
            f"`{key}` is not the key of a small sealed thing",
            code="DRC004",
            why="it would be `prefix/name@`, a SHA-256, and `.zst` or `.zst.age`",
            fix="see what is kept: opsctl dr list",
        )
    return found


def _changed(key: str, *, place: str, why: str) -> FailedError:
    return FailedError(
        f"object `{key}` of {place} was changed since it was put there",
        code="DRC001",
        why=why,
        fix="find a copy that is whole: opsctl dr verify --all",
    )


def _wrong(key: str, *, place: str, why: str) -> FailedError:
    return FailedError(
        f"object `{key}` of {place} was wrong when it was put there",
        code="DRC002",
        why=why,
        fix="make another backup, and test the memory of the machine that made this one: opsctl dr backup",
    )


def _too_large(key: str, *, place: str) -> UsageError:
    return UsageError(
        f"object `{key}` of {place} is too large to be handled as a whole",
        code="DRC005",
        why=f"small things have up to {_LARGEST_NAMED // 1024**2:,} MiB",
        fix="see what is kept: opsctl dr list",
    )
