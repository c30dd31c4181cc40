"""A killed backup goes on where it was, once, and only where it is still the same one."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from tests.dr.manifests import full_manifest

from opsctl.dr.manifest import BaseBackup, Dump, SealedFile
from opsctl.dr.unfinished import Beginning, Unfinished, open_unfinished
from opsctl.dr.vectors.take_all import TakenVectors

AT = datetime(2026, 11, 29, 3, 0, 0, 123456, tzinfo=UTC)
BEGINNING = Beginning(
    backup_id="20261129T030000Z-full-0a1b2c", kind="full", parent=None, started_at=AT, settings="here"
)
NEXT = replace(BEGINNING, backup_id="20261129T040000Z-full-ffffff", started_at=AT + timedelta(hours=1))
WHOLE = full_manifest()
assert WHOLE.configuration is not None
CONFIGURATION = WHOLE.configuration
VECTORS = TakenVectors(snapshots=WHOLE.vectors, golden=WHOLE.golden, aliases=dict(WHOLE.aliases))
STEPS = {
    "vectors": (TakenVectors, VECTORS),
    "base": (BaseBackup, WHOLE.base),
    "dump": (Dump, WHOLE.dump),
    "configuration": (SealedFile, CONFIGURATION),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the file of the notes."""
    return tmp_path / "dr" / "unfinished.json"


def begun(path: Path, beginning: Beginning = BEGINNING, *, now: datetime | None = None) -> Unfinished:
    """Open the notes at the moment of the beginning, or at another one."""
    return open_unfinished(path, beginning, now=now or beginning.started_at)


def never() -> NoReturn:
    """Stand for a step that must not be repeated."""
    raise AssertionError("it was done already")


def do(notes: Unfinished, names: list[str], make: Callable[[str], Callable[[], object]]) -> list[object]:
    """Do steps in their order."""
    return [notes.step(name, STEPS[name][0], make(name)) for name in names]


@pytest.mark.parametrize("killed_after", range(len(STEPS) + 1))
def test_what_was_done_before_it_was_killed_is_not_done_again(path: Path, killed_after: int):
    """After whichever step; what the steps made comes back as it was, to the last field."""
    order = list(STEPS)
    made: list[str] = []

    def make(name: str) -> Callable[[], object]:
        def step() -> object:
            made.append(name)
            return STEPS[name][1]

        return step

    do(begun(path), order[:killed_after], make)
    again = begun(path, NEXT)
    found = do(again, order, make)

    assert made == order
    assert found == [made for _, made in STEPS.values()]
    assert [type(each) for each in found] == [kind for kind, _ in STEPS.values()]
    assert again.done == tuple(order)
    assert (again.beginning, again.attempt) == (BEGINNING, 2)


def test_a_step_that_failed_is_done_again(path: Path):
    """Nothing is noted of it."""

    def fail() -> SealedFile:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        begun(path).step("configuration", SealedFile, fail)

    again = begun(path, NEXT)
    assert again.done == ()
    assert again.step("configuration", SealedFile, lambda: CONFIGURATION) == CONFIGURATION


def test_each_attempt_has_its_number_before_anything_is_written(path: Path):
    """What a killed one has left in the repository is never met by the next, however often it is killed."""
    numbers = [begun(path, BEGINNING).attempt for _ in range(4)]

    assert numbers == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "other",
    [
        replace(NEXT, kind="logical"),
        replace(NEXT, parent="20261128T030000Z-full-3d4e5f"),
        replace(NEXT, settings="elsewhere"),
        replace(NEXT, started_at=AT + timedelta(days=1)),
        replace(NEXT, started_at=AT - timedelta(seconds=1)),
    ],
    ids=["kind", "parent", "settings", "a day later", "clock set back"],
)
def test_another_backup_begins_anew(path: Path, other: Beginning):
    """Of another kind, on another parent, with other keys or elsewhere, too late, or before it seems to have begun."""
    do(begun(path), ["vectors"], lambda name: lambda: STEPS[name][1])

    notes = begun(path, other)

    assert (notes.beginning, notes.done, notes.attempt) == (other, (), 1)
    assert begun(path, replace(other, backup_id="x")).beginning == other  # which is the one that goes on now


def test_just_within_a_day_it_goes_on(path: Path):
    """The line is where it is said to be."""
    begun(path)

    assert begun(path, NEXT, now=AT + timedelta(days=1, microseconds=-1)).attempt == 2


def test_one_that_was_killed_when_all_of_it_was_there_is_not_made_twice(path: Path):
    """Its manifest is kept, so it exists; what is asked for now is a new one."""
    do(begun(path), list(STEPS), lambda name: lambda: STEPS[name][1])

    notes = open_unfinished(path, NEXT, now=NEXT.started_at, kept=[BEGINNING.backup_id])

    assert (notes.beginning, notes.done, notes.attempt) == (NEXT, (), 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"beginning": {"backup_id"',
        b"\xff\xfe\x00",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b'{"beginning": {}, "steps": {}, "attempt": 1}',
    ],
)
def test_notes_that_are_torn_are_left_aside(path: Path, content: bytes):
    """A backup is made; that is all that matters."""
    path.parent.mkdir()
    path.write_bytes(content)

    notes = begun(path)

    assert (notes.done, notes.attempt) == ((), 1)
    assert begun(path, NEXT).attempt == 2


@pytest.mark.parametrize(
    ("field", "value"), [("steps", [1]), ("steps", 7), ("attempt", "many"), ("attempt", None)]
)
def test_notes_with_a_field_of_another_kind_are_left_aside(path: Path, field: str, value: object):
    """Whoever wrote that."""
    begun(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))

    assert begun(path, NEXT).beginning == NEXT


def test_a_step_that_another_opsctl_noted_is_done_again(path: Path):
    """Its fields are others; the backup does not fail for that."""
    do(begun(path), ["vectors", "configuration"], lambda name: lambda: STEPS[name][1])
    document = json.loads(path.read_text())
    del document["steps"]["configuration"]["sha256"]
    path.write_text(json.dumps(document))

    notes = begun(path, NEXT)

    assert notes.step("configuration", SealedFile, lambda: CONFIGURATION) == CONFIGURATION
    assert notes.step("vectors", TakenVectors, never) == VECTORS


def test_what_is_forgotten_is_gone(path: Path):
    """The next backup begins anew; to forget twice is no error."""
    notes = begun(path)
    notes.forget()
    notes.forget()

    assert list(path.parent.iterdir()) == []
    assert begun(path, NEXT).attempt == 1


def test_notes_are_for_nobody_else(path: Path):
    """They name tables and collections."""
    begun(path)

    assert path.stat().st_mode & 0o077 == 0
