"""What is in a backup: every file with its digests, and what must be true of it once it is restored.

The manifest is written last, so a backup without one does not exist. It is JSON, named by its own digest, and says
enough to restore with nothing but the repository, the key and this program, or, by hand, PostgreSQL's and Qdrant's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

SCHEMA = "opsctl.dr.backup/1"


class BackupKind(StrEnum):
    """How PostgreSQL was copied."""

    FULL = "full"
    """A base backup that stands by itself."""
    INCREMENTAL = "incremental"
    """The blocks that changed since the backup before it (PostgreSQL 17+)."""
    LOGICAL = "logical"
    """A dump, for servers whose files nobody can reach, such as hosted Supabase; it has no point in time to go to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFile:
    """A file of a backup: what it is, and as what it lies in the repository, compressed and perhaps encrypted."""

    key: str
    size_bytes: int
    sha256: str
    stored_bytes: int
    stored_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseBackup:
    """A base backup of PostgreSQL as one tar file, with PostgreSQL's own manifest (SHA-256) beside it.

    LSNs are in PostgreSQL's text form, such as `0/3000028`. The WAL between `start_lsn` and `end_lsn` is in the tar.
    """

    tar: SealedFile
    manifest: SealedFile
    system_identifier: str
    server_version: str
    timeline: int
    start_lsn: str
    end_lsn: str
    wal_segment_bytes: int
    cluster_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """A logical copy: `pg_dump -Fd` packed into a tar file, and the roles from `pg_dumpall --globals-only`."""

    tar: SealedFile
    globals: SealedFile | None
    server_version: str
    database: str
    tables: Mapping[str, int]
    """Exact number of rows of each table in the dump's own snapshot, by `schema.table`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSnapshot:
    """A snapshot of one collection of one node, and what the collection was when it was taken.

    `watermark_*` are places in the outbox (`transaction:sequence`) and `lsn_*` places in the WAL before and after the
    snapshot: what it holds lies between them. `ids_sha256` and `points_digest` are of the collection at that time; they
    must come back exactly where nothing was written meanwhile (`is_quiet`).
    """

    collection: str
    node: str
    snapshot: SealedFile
    engine_version: str
    config: Mapping[str, Any]
    payload_schema: Mapping[str, Any]
    points: int
    ids_sha256: str
    points_digest: str
    embedding_model: str | None
    dimension: int | None
    watermark_before: str | None
    watermark_after: str | None
    lsn_before: str | None
    lsn_after: str | None
    is_quiet: bool
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenQuery:
    """A search whose exact answer is known: `ids` best first, found with `exact=true` right after the snapshot."""

    collection: str
    vector: tuple[float, ...]
    ids: tuple[int | str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretName:
    """A secret that a restored system needs; its name and where it comes from, never its value."""

    name: str
    origin: str
    is_present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """Everything about one backup."""

    backup_id: str
    kind: BackupKind
    parent: str | None
    started_at: datetime
    ended_at: datetime
    base: BaseBackup | None
    dump: Dump | None
    vectors: tuple[VectorSnapshot, ...]
    aliases: Mapping[str, str]
    golden: tuple[GoldenQuery, ...]
    configuration: SealedFile | None
    migrations: Mapping[str, str]
    """SHA-256 of each migration that the database had, by name."""
    secrets: tuple[SecretName, ...]
    tools: Mapping[str, str] = field(default_factory=dict)
    schema: str = SCHEMA

    @property
    def files(self) -> tuple[SealedFile, ...]:
        """Return every file of the backup."""
        found = [each.snapshot for each in self.vectors]
        if self.base is not None:
            found += [self.base.tar, self.base.manifest]
        if self.dump is not None:
            found += [self.dump.tar, *([self.dump.globals] if self.dump.globals else [])]
        return tuple(found + ([self.configuration] if self.configuration else []))
