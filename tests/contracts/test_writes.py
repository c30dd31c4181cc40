"""After the same writes, a collection holds the same points as Qdrant's own local mode."""

from collections.abc import Callable

import pytest
from qdrant_client import QdrantClient, models
from tests.contracts.conftest import Pair

pytestmark = pytest.mark.stack

_UUID = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"
_AU = models.Filter(must=[models.FieldCondition(key="region", match=models.MatchValue(value="AU"))])
_OPEN = models.Filter(must=[models.FieldCondition(key="open", match=models.MatchValue(value=True))])


def _vector(number: float) -> list[float]:
    return [number, 1.0, 0.5, 0.0]


_WRITES: dict[str, Callable[[QdrantClient, str], object]] = {
    "upsert again": lambda client, name: client.upsert(
        name, [models.PointStruct(id=1, vector=_vector(9), payload={"new": True})]
    ),
    "upsert as columns": lambda client, name: client.upsert(
        name,
        models.Batch(ids=[1, 77], vectors=[_vector(4), _vector(5)], payloads=[{"a": 1}, {"b": [1, None]}]),
    ),
    "upsert where a filter holds": lambda client, name: client.upsert(
        name,
        [models.PointStruct(id=number, vector=_vector(3), payload={"changed": True}) for number in (1, 2, 3)],
        update_filter=_AU,
    ),
    "insert only": lambda client, name: client.upsert(
        name,
        [models.PointStruct(id=number, vector=_vector(3), payload={"mode": 1}) for number in (1, 88)],
        update_mode=models.UpdateMode.INSERT_ONLY,
    ),
    "update only": lambda client, name: client.upsert(
        name,
        [models.PointStruct(id=number, vector=_vector(3), payload={"mode": 1}) for number in (1, 88)],
        update_mode=models.UpdateMode.UPDATE_ONLY,
    ),
    "delete by id": lambda client, name: client.delete(name, [1, _UUID, 999]),
    "delete by filter": lambda client, name: client.delete(name, _AU),
    "set payload": lambda client, name: client.set_payload(name, {"extra": {"x": 1}}, points=[1, 2]),
    "set payload by filter": lambda client, name: client.set_payload(name, {"extra": 2}, points=_AU),
    "set payload under a key": lambda client, name: client.set_payload(
        name, {"deep": 1}, points=[1], key="extra"
    ),
    "overwrite payload": lambda client, name: client.overwrite_payload(name, {"only": "this"}, points=[1, 2]),
    "delete payload keys": lambda client, name: client.delete_payload(name, ["region"], points=[1, 2]),
    "clear payload": lambda client, name: client.clear_payload(name, points_selector=_AU),
    "update vectors": lambda client, name: client.update_vectors(
        name, [models.PointVectors(id=2, vector=_vector(8))]
    ),
    "several in one batch": lambda client, name: client.batch_update_points(
        name,
        [
            models.SetPayloadOperation(set_payload=models.SetPayload(payload={"step": 1}, points=[1])),
            models.DeleteOperation(delete=models.PointIdsList(points=[2])),
            models.UpsertOperation(
                upsert=models.PointsList(points=[models.PointStruct(id=90, vector=_vector(1))])
            ),
        ],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("write", _WRITES.values(), ids=_WRITES)
def test_every_write_leaves_the_same_points(pair: Pair, write: Callable[[QdrantClient, str], object]) -> None:
    """Ids, payloads and vectors agree after the write."""
    pair.create()
    pair.upsert(
        [
            models.PointStruct(
                id=number,
                vector=_vector(number),
                payload={"region": "AU" if number % 2 else "US", "open": number < 3},
            )
            for number in range(1, 6)
        ]
        + [models.PointStruct(id=_UUID, vector=_vector(0), payload={"region": "AU", "text": "naïve \u2603"})]
    )

    for side in pair.sides:
        write(side, pair.name)

    actual, expected = (
        {
            str(each.id): (each.payload or {}, each.vector)
            for each in side.scroll(pair.name, limit=100, with_vectors=True)[0]
        }
        for side in pair.sides
    )
    assert actual == expected
    assert pair.ids(_OPEN)[0] == pair.ids(_OPEN)[1]


def test_retrieve_selects_fields_and_skips_unknown_ids(pair: Pair) -> None:
    """Unknown ids are left out; included and excluded payload fields are honoured."""
    pair.create()
    pair.upsert([models.PointStruct(id=1, vector=_vector(1), payload={"a": 1, "b": {"c": 2, "d": 3}})])

    for selector in (
        True, False, ["a"], models.PayloadSelectorExclude(exclude=["a"]), models.PayloadSelectorInclude(include=["b.c"]),
    ):  # fmt: skip
        actual, expected = (
            [(each.id, each.payload) for each in side.retrieve(pair.name, [1, 5], with_payload=selector)]
            for side in pair.sides
        )
        assert [each[0] for each in actual] == [1]
        assert [each[1] or {} for each in actual] == [each[1] or {} for each in expected]
