"""The plan of a restore says what it takes before anything is touched, and counts nothing twice."""

from dataclasses import replace
from typing import Any

import pytest
from tests.dr.manifests import full_manifest, sealed

from opsctl.dr.manifest import BackupKind
from opsctl.dr.plan import plan_restore
from opsctl.dr.postgres.archive import WalArchive
from opsctl.dr.postgres.chain import RestoreChain
from opsctl.dr.postgres.target import Latest
from opsctl.dr.postgres.wal import Lineage, Segment

MIB = 1024**2
SEGMENT = 16 * MIB
INCREMENTAL = full_manifest()
assert INCREMENTAL.base is not None
BASE = INCREMENTAL.base
FULL_BASE = replace(BASE, tar=sealed("base.tar", size=900 * MIB))
FULL = replace(
    INCREMENTAL,
    backup_id="20261128T030000Z-full-3d4e5f",
    kind=BackupKind.FULL,
    parent=None,
    base=FULL_BASE,
)
ARCHIVE = WalArchive(system_identifier="7", segment_bytes=SEGMENT, pieces={}, histories={})


def chain(*backups, segments=3):
    """Return a chain with so many segments behind it."""
    return RestoreChain(
        backups=backups,
        target=Latest(),
        lineage=Lineage(timeline=1),
        segments=tuple(Segment(1, 3 + number) for number in range(segments)),
        archive=ARCHIVE,
        end=6 * SEGMENT + 0x120,
    )


def plan(of, **changes):
    """Return the plan of a restore."""
    asked: dict[str, Any] = {"target": "latest", "vectors": INCREMENTAL, "into": "live"} | changes
    return plan_restore(of, **asked)


def test_everything_that_is_fetched_is_counted_once():
    """Each base, the log, each snapshot, as they are stored."""
    found = plan(chain(FULL, INCREMENTAL))

    stored = [FULL_BASE.tar, BASE.tar, INCREMENTAL.vectors[0].snapshot]
    assert found.fetched_bytes == sum(file.stored_bytes for file in stored) + 3 * SEGMENT
    assert (found.segments, found.collections) == (3, 1)
    assert found.backups == (FULL.backup_id, INCREMENTAL.backup_id)
    assert (found.vectors_from, found.reaches) == (INCREMENTAL.backup_id, "0/6000120")


def test_the_room_is_that_of_the_chain_and_of_snapshots_beside_what_is_unpacked():
    """A snapshot is received before it is unpacked."""
    made = chain(FULL, INCREMENTAL)

    assert plan(made).space_bytes == made.space_bytes + 2 * INCREMENTAL.vectors[0].snapshot.size_bytes


def test_vectors_that_are_built_anew_are_fetched_from_nowhere():
    """They come from the truth."""
    with_them, without = plan(chain(FULL)), plan(chain(FULL), vectors=None)

    snapshot = INCREMENTAL.vectors[0].snapshot
    assert (without.vectors_from, without.collections) == (None, 0)
    assert with_them.fetched_bytes - without.fetched_bytes == snapshot.stored_bytes
    assert with_them.forecast_seconds > without.forecast_seconds + 2


def test_vectors_alone_take_nothing_of_the_database():
    """It is left as it is, and so it is the point."""
    found = plan(None)

    assert (found.backups, found.segments, found.reaches) == ((), 0, None)
    assert found.fetched_bytes == INCREMENTAL.vectors[0].snapshot.stored_bytes


def test_what_is_there_already_and_what_is_passed_over_is_named():
    """Whoever confirms it knows what is moved aside."""
    found = plan(chain(FULL), replaces=["/data/postgres"], left_out=["bad"])

    assert (found.replaces, found.left_out, found.into) == (("/data/postgres",), ("bad",), "live")


@pytest.mark.parametrize("segments", [0, 1, 100])
def test_more_takes_longer(segments):
    """The forecast grows with what is fetched, from some seconds on."""
    found, more = plan(chain(FULL, segments=segments)), plan(chain(FULL, segments=segments + 10))

    assert 10 <= found.forecast_seconds < more.forecast_seconds
