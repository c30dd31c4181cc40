"""Which backups does a repository hold, which of them were verified, and which cannot be read.

Backups are encrypted for a key that the machine that makes them need not have. So their names say what housekeeping
needs (when, what kind, verified or not), and the manifests that this machine wrote are kept beside it in the clear.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import FailedError, OpsError, UsageError
from opsctl.dr.manifest import BackupKind, BackupManifest
from opsctl.dr.manifest_json import from_json, to_json

BACKUPS = "backups"
VERIFIED = "verified"
WAL = "wal"
_ID = re.compile(r"(?P<time>\d{8}T\d{6}Z)-(?P<kind>full|incremental|logical)-[0-9a-f]{6}", re.ASCII)
_TIME = "%Y%m%dT%H%M%SZ"


class NamedVault(Protocol):
    """Small sealed things by name, each key ending in the digest of what is stored."""

    def put_named(self, prefix: str, name: str, data: bytes) -> str:
        """Keep bytes and return their key."""
        ...

    def get_named(self, key: str) -> bytes:
        """Return the bytes of a key."""
        ...

    def keys_named(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix."""
        ...


class Mark(StrEnum):
    """What a verification concluded; part of the name under which it is kept, so that no key is needed to read it."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The newest verification of a backup."""

    at: datetime
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A backup in the repository; `manifest` is None where it cannot be read, and `trouble` says why."""

    backup_id: str
    kind: BackupKind
    started_at: datetime
    key: str
    manifest: BackupManifest | None
    trouble: str | None = None
    verified: Verified | None = None

    @property
    def is_encrypted(self) -> bool:
        """Tell whether a secret key is needed to open it; its name says so."""
        return self.key.endswith(".age")


def new_backup_id(kind: BackupKind, *, now: datetime, token: str) -> str:
    """Return the name of a new backup.

    >>> new_backup_id(BackupKind.FULL, now=datetime(2026, 11, 29, tzinfo=UTC), token="0a1b2c")
    '20261129T000000Z-full-0a1b2c'
    """
    return f"{now.astimezone(UTC):{_TIME}}-{kind}-{token}"


def started_at_of(backup_id: str) -> datetime | None:
    """Return when a backup began, which its name says; None for what is no name of one.

    >>> started_at_of("20261129T000000Z-full-0a1b2c").isoformat()
    '2026-11-29T00:00:00+00:00'
    """
    named = _ID.fullmatch(backup_id)
    return _time(named["time"]) if named is not None else None


class Catalogue:
    """The backups of one repository, with copies of the manifests that this machine has seen."""

    def __init__(self, vault: NamedVault, *, copies: Path) -> None:
        self._vault = vault
        self._copies = copies

    def add(self, manifest: BackupManifest) -> str:
        """Keep a manifest, which makes its backup exist, and return its key."""
        data = to_json(manifest)
        key = self._vault.put_named(f"{BACKUPS}/{manifest.backup_id}", "manifest", data)
        self._copy(key, data)
        return key

    def mark(self, backup_id: str, *, at: datetime, mark: Mark, report: bytes) -> None:
        """Keep what a verification found."""
        self._vault.put_named(f"{VERIFIED}/{backup_id}", f"{at.astimezone(UTC):{_TIME}}-{mark}", report)

    def require(self, kept: Kept) -> BackupManifest:
        """Return the manifest of a backup, or say why it cannot be read.

        Raises:
            UsageError: SEA003, SEA004 no key fits; DRC006 another opsctl made it.
            FailedError: DRC002, DRC003, DRC007, DRC008 it is damaged, DRC061 of another backup, REP003 it is gone.
        """
        return kept.manifest or self._fetched(kept.key, kept.backup_id)

    def backups(self) -> tuple[Kept, ...]:
        """Return every backup, the newest first."""
        verified = self._verified()
        found = [
            kept for key in self._vault.keys_named(BACKUPS) if (kept := self._kept(key, verified)) is not None
        ]
        return tuple(sorted(found, key=lambda each: (each.started_at, each.backup_id), reverse=True))

    def _kept(self, key: str, verified: dict[str, Verified]) -> Kept | None:
        _, backup_id, name = (*key.split("/"), "", "")[:3]
        named = _ID.fullmatch(backup_id)
        started_at = _time(named["time"]) if named is not None else None
        if named is None or started_at is None or not name.startswith("manifest@"):
            return None
        manifest, trouble = self._read(key, backup_id)
        return Kept(
            backup_id=backup_id,
            kind=BackupKind(named["kind"]),
            started_at=started_at,
            key=key,
            manifest=manifest,
            trouble=trouble,
            verified=verified.get(backup_id),
        )

    def _read(self, key: str, backup_id: str) -> tuple[BackupManifest | None, str | None]:
        try:
            return self._copied(key, backup_id) or self._fetched(key, backup_id), None
        except OpsError as error:
            return None, f"{error.code} {error.message}"

    def _verified(self) -> dict[str, Verified]:
        found: dict[str, Verified] = {}
        for key in self._vault.keys_named(VERIFIED):
            _, backup_id, name = (*key.split("/"), "", "")[:3]
            time, _, mark = name.partition("@")[0].partition("-")
            at = _time(time)
            if at is None or mark not in (Mark.GOOD, Mark.BAD):
                continue
            if backup_id not in found or at >= found[backup_id].at:
                found[backup_id] = Verified(at=at, mark=Mark(mark))
        return found

    def _copied(self, key: str, backup_id: str) -> BackupManifest | None:
        """Return what this machine has of a manifest; nothing where its copy is damaged, there is the real one."""
        path = self._copy_path(key)
        try:
            return _checked(from_json(read_text(path).encode()), backup_id) if path.is_file() else None
        except OpsError:
            return None

    def _fetched(self, key: str, backup_id: str) -> BackupManifest:
        data = self._vault.get_named(key)
        manifest = _checked(from_json(data), backup_id)
        with suppress(OpsError):  # a full disk keeps nobody from reading
            self._copy(key, data)
        return manifest

    def _copy(self, key: str, data: bytes) -> None:
        write_atomically(self._copy_path(key), data, mode=0o600)

    def _copy_path(self, key: str) -> Path:
        # The key holds the digest of what is stored, so a copy under it is of exactly that manifest.
        return self._copies / key.removeprefix(f"{BACKUPS}/").replace("/", "_")


def choose(backups: Sequence[Kept], name: str | None) -> Kept:
    """Return a backup by the beginning of its name; the newest without one.

    Raises:
        UsageError: DRC060 there is none, or several.
    """
    # Not nothing at all, such as a variable of the shell that is not set: it would begin every name.
    found = [each for each in backups if name is None or (name and each.backup_id.startswith(name))]
    if not found or (name is not None and len(found) > 1):
        none = f"there is no backup `{name}`" if name is not None else "there is no backup yet"
        raise UsageError(
            f"{len(found)} backups begin with `{name}`" if found else none,
            code="DRC060",
            fix="see what there is: opsctl dr list" if backups else "make one: opsctl dr backup",
        )
    return found[0]


def _time(text: str) -> datetime | None:
    """Return the time in a name; what only looks like one is the name of something else."""
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _checked(manifest: BackupManifest, backup_id: str) -> BackupManifest:
    if manifest.backup_id != backup_id:
        raise FailedError(
            f"the manifest below `{backup_id}` is of `{manifest.backup_id}`",
            code="DRC061",
            why="somebody moved it",
            fix="put it back, or leave that backup out",
        )
    return manifest
