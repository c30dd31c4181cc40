"""Scratch copies are complete, and gone afterwards whatever happens."""

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.vector_store import FakeVectorStore

from opsctl.core.errors import NotReadyError, ResidueError
from opsctl.vectors.scratch import CopyPlan, ScratchCopies


@pytest.fixture
def store():
    """Give a store with a source of 1,200 points."""
    store = FakeVectorStore()
    store.create_collection("source", {"vectors": {"size": 2, "distance": "Cosine"}})
    points = [
        {"id": number, "vector": [1.0, float(number)], "payload": {"even": number % 2 == 0}}
        for number in range(1200)
    ]
    store.upsert("source", points)
    return store


def copies(store):
    """Return a maker of copies."""
    return ScratchCopies(store, prefix="opsctl_plan__", clock=FakeClock())


def names(store):
    """Return the collections that are there."""
    return list(store.collections())


def test_a_copy_holds_what_passes_with_what_is_added(store):
    """Filter, sample and added payload work together."""
    only_even = {"must": [{"key": "even", "match": {"value": True}}]}

    with copies(store) as maker:
        copy = maker.make(
            CopyPlan(
                name="x",
                source="source",
                filter=only_even,
                add=lambda payload: {"copy": payload["even"]},
            )
        )
        points = store.scroll("opsctl_plan__x", limit=2000).points

    assert copy.points == len(points) == 600
    assert {tuple(point["payload"].items()) for point in points} == {(("even", True), ("copy", True))}
    assert names(store) == ["source"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_copies_are_removed_after_an_error_and_after_ctrl_c(store, error):
    """The error goes on, the copy does not stay."""

    def interrupted():
        with copies(store) as maker:
            maker.make(CopyPlan(name="x", source="source"))
            raise error

    with pytest.raises(error):
        interrupted()

    assert names(store) == ["source"]


def test_a_half_filled_copy_is_removed(store):
    """A failure in the middle of the copy leaves nothing."""

    def fail(method, collection):
        if method == "upsert":
            raise NotReadyError("gone", code="COL001")

    store.hooks.append(fail)
    with pytest.raises(NotReadyError), copies(store) as maker:
        maker.make(CopyPlan(name="x", source="source"))

    assert names(store) == ["source"]


def test_what_a_killed_run_left_is_removed_at_the_start(store):
    """Only under the own prefix."""
    for name in ("opsctl_plan__old", "opsctl_bench__other"):
        store.create_collection(name, {"vectors": {"size": 2, "distance": "Cosine"}})

    with copies(store):
        assert sorted(names(store)) == ["opsctl_bench__other", "source"]


def test_a_copy_that_cannot_be_removed_is_named(store):
    """The residue is said, with exit code 6."""

    def fail(method, collection):
        if method == "delete_collection":
            raise NotReadyError("gone", code="COL001")

    def make_and_fail():
        with copies(store) as maker:
            maker.make(CopyPlan(name="x", source="source"))
            store.hooks.append(fail)

    with pytest.raises(ResidueError) as error:
        make_and_fail()

    assert "opsctl_plan__x" in error.value.message
    assert error.value.exit_code == 6
