"""Manifests for tests: one that has everything, and a strategy for any."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from opsctl.dr.manifest import (
    SCHEMA,
    BackupKind,
    BackupManifest,
    BaseBackup,
    Dump,
    GoldenQuery,
    SealedFile,
    SecretName,
    VectorSnapshot,
)

_AT = datetime(2026, 11, 29, 3, 0, 0, 123456, tzinfo=UTC)
_PREFIX = "backups/20261129T030000Z-incremental-0a1b2c/1"


def sealed(name: str, *, size: int = 1000) -> SealedFile:
    """Return a file with digests that look like some."""
    return SealedFile(
        key=f"{_PREFIX}/{name}.zst.age",
        size_bytes=size,
        sha256=f"{size:064x}",
        stored_bytes=size // 3,
        stored_sha256=f"{size // 3:064x}",
    )


def full_manifest() -> BackupManifest:
    """Return a manifest in which every field has something, also what excludes each other in a real one."""
    return BackupManifest(
        backup_id="20261129T030000Z-incremental-0a1b2c",
        kind=BackupKind.INCREMENTAL,
        parent="20261128T030000Z-full-3d4e5f",
        started_at=_AT,
        ended_at=_AT + timedelta(minutes=5),
        base=BaseBackup(
            tar=sealed("postgres/base.tar", size=123_456_789),
            manifest=sealed("postgres/backup_manifest"),
            system_identifier="7575757575757575757",
            server_version="18.1",
            timeline=2,
            start_lsn="0/3000028",
            end_lsn="0/3000120",
            wal_segment_bytes=16 * 1024 * 1024,
            cluster_bytes=345_678_901,
        ),
        dump=Dump(
            tar=sealed("postgres/dump.tar"),
            globals=None,
            server_version="18.1",
            database="opsctl",
            tables={"public.items": 8_000, "public.décisions": 0},
        ),
        vectors=(
            VectorSnapshot(
                collection="items",
                node="node-1",
                snapshot=sealed("vectors/items.snapshot", size=77_000_000),
                engine_version="1.16.0",
                config={"params": {"vectors": {"size": 4, "distance": "Dot"}}, "on": True, "nothing": None},
                payload_schema={"kind": {"data_type": "keyword", "points": 8_000}},
                points=8_000,
                ids_sha256="1" * 64,
                points_digest="2" * 64,
                embedding_model="hashing-128",
                dimension=128,
                watermark_before="770:12",
                watermark_after="775:1",
                lsn_before="0/2FFFFF0",
                lsn_after=None,
                is_quiet=False,
                taken_at=_AT,
            ),
        ),
        aliases={"live": "items", "canary": "items"},
        golden=(
            GoldenQuery(
                collection="items",
                vector=(0.1, -2.5, 1e-30, 0.0),
                ids=(7, "6f1f0f4e-6f0a-4c0e-9d5e-2f6a4a1b2c3d"),
                scores=(0.99, 0.98),
            ),
        ),
        configuration=sealed("configuration.tar"),
        migrations={"0001_items.sql": "3" * 64},
        secrets=(SecretName(name="database.password", origin="file", is_present=True),),
        tools={"opsctl": "0.9.0", "pg_basebackup": "18.1"},
    )


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
_TIMES = st.datetimes(timezones=st.just(UTC))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_OBJECTS = st.dictionaries(st.text(), _JSON, max_size=3)


def any_manifests() -> st.SearchStrategy[BackupManifest]:
    """Draw manifests with any value in any field, but sizes of segments that there are."""
    sizes = st.integers(min_value=20, max_value=30).map(lambda power: 1 << power)
    bases = st.builds(BaseBackup, wal_segment_bytes=sizes)
    numbers = st.lists(_NUMBERS, max_size=3).map(tuple)
    snapshots = st.builds(VectorSnapshot, config=_OBJECTS, payload_schema=_OBJECTS, taken_at=_TIMES)
    queries = st.builds(GoldenQuery, vector=numbers, scores=numbers)
    return st.builds(
        BackupManifest,
        schema=st.just(SCHEMA),
        base=st.none() | bases,
        started_at=_TIMES,
        ended_at=_TIMES,
        vectors=st.lists(snapshots, max_size=2).map(tuple),
        golden=st.lists(queries, max_size=2).map(tuple),
    )


def paths(value: Any, at: str = "") -> list[str]:
    """Return the path of each field of a record and of all below it."""
    found: list[str] = []
    if is_dataclass(value):
        for each in fields(value):
            path = f"{at}.{each.name}" if at else each.name
            found += [path, *paths(getattr(value, each.name), path)]
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            found += paths(each, f"{at}[{number}]")
    return found
