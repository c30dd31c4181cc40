"""Golden queries notice vectors that are no longer what they were."""

from typing import Any

import pytest
from tests.dr.vectors.scene import SIZE, Scene, some_points

from opsctl.dr.manifest import GoldenQuery
from opsctl.dr.vectors.golden import GoldenCheck, ask_golden, check_golden

pytestmark = pytest.mark.stack

_DOT = {"vectors": {"size": SIZE, "distance": "Dot"}}
_IDS = (3, 10, 17, 24, 31)


def _asked(scene: Scene, **parameters: Any) -> tuple[GoldenQuery, ...]:
    scene.make("content", **parameters)
    return ask_golden("content", _IDS, store=scene.store)


def _checked(scene: Scene, queries: tuple[GoldenQuery, ...]) -> GoldenCheck:
    return check_golden(queries, store=scene.store)


@pytest.mark.slow
@pytest.mark.parametrize("distance", ["Cosine", "Dot", "Euclid", "Manhattan"])
def test_what_has_not_changed_is_found_again(scene: Scene, distance: str) -> None:
    """Whether a higher score is better or a lower one."""
    queries = _asked(scene, vectors={"size": SIZE, "distance": distance})

    found = _checked(scene, queries)

    assert [len(query.ids) for query in queries] == [10] * 5
    assert found == GoldenCheck(queries=5, recall=1.0, worst_recall=1.0, worst_score_difference=0.0)
    assert found.holds


@pytest.mark.slow
def test_two_vectors_that_changed_places_are_noticed(scene: Scene) -> None:
    """Though ids, payloads, and even the row of scores of some answer are the same."""
    queries = _asked(scene)
    one, other = scene.store.retrieve("content", [3, 10], with_vectors=True)
    scene.store.upsert("content", [one | {"vector": other["vector"]}, other | {"vector": one["vector"]}])

    assert not _checked(scene, queries).holds


@pytest.mark.slow
def test_vectors_of_another_scale_are_noticed(scene: Scene) -> None:
    """Where the length of a vector counts, the scores tell."""
    queries = _asked(scene, **_DOT)
    points = scene.store.scroll("content", limit=100, with_vectors=True).points
    scaled = [point | {"vector": [2 * number for number in point["vector"]]} for point in points]
    scene.store.upsert("content", scaled)

    found = _checked(scene, queries)

    assert (found.holds, found.worst_recall) == (False, 1.0)
    assert found.worst_score_difference > 0.5


def test_vectors_of_another_model_are_noticed(scene: Scene) -> None:
    """Neighbours are others then."""
    queries = _asked(scene)
    scene.store.upsert("content", some_points(60, seed=9))

    found = _checked(scene, queries)

    assert found.recall < 0.7
    assert found.worst_recall <= found.recall


@pytest.mark.slow
def test_points_that_are_gone_are_noticed(scene: Scene) -> None:
    """Each golden query finds the point that it was taken from, and misses it."""
    queries = _asked(scene)
    scene.store.delete_points("content", [3])

    found = _checked(scene, queries)

    assert found.worst_recall == pytest.approx(0.9)


def test_a_tie_at_the_end_of_an_answer_is_no_difference(scene: Scene) -> None:
    """Which of several points with the same vector is told is left open."""
    points = some_points(60)
    same = [point | {"vector": points[30]["vector"]} for point in points[20:50]]
    scene.make("content", [*points[:20], *same, *points[50:]])
    (query,) = ask_golden("content", [31], store=scene.store)
    others = [point["id"] for point in same if point["id"] not in query.ids][: len(query.ids)]
    told = GoldenQuery(
        collection="content", vector=query.vector, ids=tuple(others), scores=query.scores[: len(others)]
    )

    assert len(others) == 10
    assert _checked(scene, (told,)).holds


@pytest.mark.slow
def test_named_vectors_are_asked_by_the_first_name(scene: Scene) -> None:
    """The one that a collection of several can be told by."""
    vectors = {name: {"size": SIZE, "distance": "Cosine"} for name in ("text", "image")}
    points = [
        point | {"vector": {"image": point["vector"], "text": [1.0] * SIZE}} for point in some_points(60)
    ]
    scene.make("content", points, vectors=vectors)

    queries = ask_golden("content", _IDS, store=scene.store)

    assert len(queries[0].ids) == 10
    assert queries[0].vector != (1.0,) * SIZE
    assert _checked(scene, queries).holds


@pytest.mark.slow
def test_a_collection_under_another_name_can_be_asked(scene: Scene) -> None:
    """Such as one that was put back for a trial."""
    queries = _asked(scene)
    scene.make("trial", some_points(60))

    assert check_golden(queries, store=scene.store, names={"content": "trial"}).holds


@pytest.mark.slow
def test_an_empty_collection_has_no_golden_queries(scene: Scene) -> None:
    """And nothing speaks against what was never asked."""
    scene.store.create_collection("content", _DOT)

    queries = ask_golden("content", (), store=scene.store)

    assert queries == ()
    assert _checked(scene, queries).holds
