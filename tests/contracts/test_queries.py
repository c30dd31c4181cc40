"""A query finds the same points with the same scores as Qdrant's own local mode."""

import numpy as np
import pytest
from qdrant_client import models
from tests.contracts.conftest import Pair

pytestmark = pytest.mark.stack

_SIZE = 8
_VECTORS = np.random.default_rng(11).normal(size=(60, _SIZE)).astype(np.float32)
_AU = models.Filter(must=[models.FieldCondition(key="region", match=models.MatchValue(value="AU"))])
_POINTS = [
    models.PointStruct(
        id=number,
        vector=_VECTORS[number].tolist(),
        payload={"region": "AU" if number % 3 == 0 else "US", "rank": number % 7},
    )
    for number in range(60)
]


def _fill(pair: Pair, distance: models.Distance = models.Distance.COSINE) -> None:
    pair.create(vectors_config=models.VectorParams(size=_SIZE, distance=distance))
    pair.upsert(_POINTS)


def _assert_same(actual: list[models.ScoredPoint], expected: list[models.ScoredPoint]) -> None:
    assert [each.id for each in actual] == [each.id for each in expected]
    assert [each.score for each in actual] == pytest.approx(
        [each.score for each in expected], rel=1e-5, abs=1e-5
    )
    assert [each.payload for each in actual] == [each.payload for each in expected]


_QUERIES: dict[str, models.Query | list[float] | int] = {
    "vector": _VECTORS[5].tolist(),
    "id": 5,
    "recommend-average": models.RecommendQuery(
        recommend=models.RecommendInput(positive=[1, 2], negative=[3])
    ),
    "recommend-best": models.RecommendQuery(
        recommend=models.RecommendInput(
            positive=[1, 2], negative=[3], strategy=models.RecommendStrategy.BEST_SCORE
        )
    ),
    "recommend-sum": models.RecommendQuery(
        recommend=models.RecommendInput(
            positive=[1, 2], negative=[3], strategy=models.RecommendStrategy.SUM_SCORES
        )
    ),
    "context": models.ContextQuery(context=[models.ContextPair(positive=4, negative=9)]),
    "discover": models.DiscoverQuery(
        discover=models.DiscoverInput(target=8, context=[models.ContextPair(positive=4, negative=9)])
    ),
    "mmr": models.NearestQuery(
        nearest=_VECTORS[5].tolist(), mmr=models.Mmr(diversity=0.6, candidates_limit=20)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [None, _AU], ids=["all", "filtered"])
@pytest.mark.parametrize("query", _QUERIES.values(), ids=_QUERIES)
def test_every_kind_of_query_agrees(
    pair: Pair, query: models.Query | list[float] | int, chosen: models.Filter | None
) -> None:
    """Nearest, by id, recommend, discover, context and MMR give the same ids, scores and payloads."""
    _fill(pair)

    actual, expected = (
        side.query_points(pair.name, query, query_filter=chosen, limit=7).points for side in pair.sides
    )

    if isinstance(
        query, models.ContextQuery
    ):  # many points share the best score; their order is nobody's promise
        assert [each.score for each in actual] == pytest.approx([each.score for each in expected], abs=1e-5)
    else:
        _assert_same(actual, expected)


@pytest.mark.slow
@pytest.mark.parametrize("distance", list(models.Distance))
def test_every_distance_agrees(pair: Pair, distance: models.Distance) -> None:
    """Scores, page and threshold agree for cosine, dot, Euclid and Manhattan."""
    _fill(pair, distance)
    first, second = (
        side.query_points(pair.name, _VECTORS[7].tolist(), limit=10, offset=2).points for side in pair.sides
    )
    _assert_same(first, second)

    threshold = (second[3].score + second[4].score) / 2
    actual, expected = (
        side.query_points(pair.name, _VECTORS[7].tolist(), limit=20, score_threshold=threshold).points
        for side in pair.sides
    )

    _assert_same(actual, expected)


def test_batches_and_fusion_agree(pair: Pair) -> None:
    """A batch answers each query for itself; reciprocal rank fusion of two prefetches agrees."""
    _fill(pair)
    requests = [
        models.QueryRequest(query=_VECTORS[3].tolist(), filter=_AU, limit=5, with_payload=True),
        models.QueryRequest(
            prefetch=[
                models.Prefetch(query=_VECTORS[3].tolist(), limit=9),
                models.Prefetch(query=_VECTORS[4].tolist(), filter=_AU, limit=9),
            ],
            query=models.FusionQuery(fusion=models.Fusion.RRF),
            limit=1,
        ),
    ]

    actual, expected = (side.query_batch_points(pair.name, requests) for side in pair.sides)

    for ours, theirs in zip(actual, expected, strict=True):
        assert [each.score for each in ours.points] == pytest.approx([each.score for each in theirs.points])
    _assert_same(actual[0].points, expected[0].points)


def test_named_vectors_agree(pair: Pair) -> None:
    """A collection with two named vectors stores, returns and searches each of them."""
    pair.create(
        vectors_config={
            "text": models.VectorParams(size=_SIZE, distance=models.Distance.COSINE),
            "image": models.VectorParams(size=4, distance=models.Distance.DOT),
        }
    )
    pair.upsert(
        [
            models.PointStruct(
                id=number, vector={"text": _VECTORS[number].tolist(), "image": _VECTORS[number][:4].tolist()}
            )
            for number in range(20)
        ]
    )

    actual, expected = (
        side.query_points(
            pair.name, _VECTORS[2][:4].tolist(), using="image", limit=5, with_vectors=["image"]
        ).points
        for side in pair.sides
    )

    _assert_same(actual, expected)
    for ours, theirs in zip(actual, expected, strict=True):
        assert isinstance(ours.vector, dict)
        assert isinstance(theirs.vector, dict)
        assert ours.vector["image"] == pytest.approx(theirs.vector["image"], abs=1e-6)


@pytest.mark.slow
def test_scroll_orders_by_a_field(pair: Pair) -> None:
    """`order_by` gives the same values in the same order; it needs a range index, as on a server."""
    _fill(pair)
    pair.subject.create_payload_index(pair.name, "rank", models.PayloadSchemaType.INTEGER)
    order = models.OrderBy(key="rank", direction=models.Direction.DESC, start_from=5)

    actual, expected = (side.scroll(pair.name, order_by=order, limit=30)[0] for side in pair.sides)

    assert [(each.payload or {})["rank"] for each in actual] == [
        (each.payload or {})["rank"] for each in expected
    ]


@pytest.mark.slow
def test_scroll_pages_through_all_points(pair: Pair) -> None:
    """Pages follow each other without gap or repetition, and bring exact float32 vectors."""
    pair.create(vectors_config=models.VectorParams(size=_SIZE, distance=models.Distance.EUCLID))
    pair.upsert(_POINTS)
    seen: dict[object, object] = {}
    offset = None
    while True:
        page, offset = pair.subject.scroll(pair.name, limit=7, offset=offset, with_vectors=True)
        seen |= {each.id: each.vector for each in page}
        if offset is None:
            break

    assert list(seen) == list(range(60))
    assert np.asarray(list(seen.values()), dtype=np.float32).tobytes() == _VECTORS.tobytes()
