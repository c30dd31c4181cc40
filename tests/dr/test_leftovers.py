"""What is no backup goes after a week; what is one, may become one, or is of others stays."""

from datetime import UTC, datetime, timedelta

import pytest

from opsctl.clients.repository import StoredObject
from opsctl.dr.leftovers import leftovers

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
OLD = "20261101T000000Z-full-0a1b2c"
YOUNG = "20261128T000000Z-full-0a1b2d"


def stored(backup_id: str, *names: str, days: float = 28) -> list[StoredObject]:
    """Return objects of a backup that were kept so many days ago."""
    at = NOW - timedelta(days=days)
    return [
        StoredObject(key=f"backups/{backup_id}/{name}", size_bytes=7, modified_at=at)
        for name in sorted(names)
    ]


def gone(objects: list[StoredObject], *, unfinished: str | None = None) -> list[StoredObject]:
    """Return what goes."""
    return list(leftovers(objects, unfinished=unfinished, now=NOW))


def test_what_a_killed_backup_has_left_goes_as_a_whole():
    """Of several, each for itself, and nothing of what lies beside them."""
    left = stored(OLD, "1/postgres/base.tar", "1/vectors/a")
    whole = stored("20261102T000000Z-full-0a1b2c", "1/vectors/a", "manifest@ab.zst.age")

    assert gone([*left, *whole]) == left


@pytest.mark.parametrize(
    "objects",
    [
        stored(OLD, "1/vectors/a", "manifest@ab.zst"),
        stored(OLD, "1/vectors/a", "manifest.old"),
        stored(YOUNG, "1/vectors/a"),
        stored(OLD, "1/vectors/a", days=6.9),
        stored(OLD, "1/vectors/a") + stored(OLD, "2/vectors/a", days=1),
        stored("mine", "1/vectors/a"),
        [StoredObject(key=f"backups/{OLD}", size_bytes=7, modified_at=NOW - timedelta(days=90))],
        [StoredObject(key="backups/mine", size_bytes=7, modified_at=NOW - timedelta(days=90))],
    ],
    ids=["a backup", "renamed", "young", "kept late", "goes on", "of others", "a file of others", "a file"],
)
def test_everything_else_stays(objects: list[StoredObject]):
    """Whatever leaves the least doubt whether it is left over."""
    assert gone(objects) == []


def test_what_this_machine_has_begun_stays():
    """However old it is: its notes say that it may go on."""
    left = stored(OLD, "1/vectors/a")

    assert gone(left, unfinished=OLD) == []
    assert gone(left, unfinished=YOUNG) == left
