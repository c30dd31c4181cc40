"""The fake vector database and a real engine must agree on everything that a rebuild relies on."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.fakes.vector_store import FakeVectorStore

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import DropAlias, Parcel, QdrantPlace, Query, SetAlias
from opsctl.core.errors import OpsError
from opsctl.qdrant_collections.store import VectorStore

VECTORS = {"vectors": {"size": 4, "distance": "Cosine"}}
UUID = "0f9f5a2e-0000-4000-8000-00000000000a"
POINTS: list[dict[str, Any]] = [
    {
        "id": 3,
        "vector": [0.0, 0.0, 2.0, 0.0],
        "payload": {"region": "AU", "quality": 0.9, "tags": ["a", "b"]},
    },
    {"id": 1, "vector": [1.0, 0.0, 0.0, 0.0], "payload": {"region": "AU", "quality": 0.4}},
    {"id": UUID, "vector": [0.6, 0.8, 0.0, 0.0], "payload": {"region": "US", "quality": 0.7, "tags": []}},
    {"id": 2, "vector": [0.0, 1.0, 0.0, 0.0], "payload": None},
]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.stack)])
def store(request: pytest.FixtureRequest) -> Iterator[VectorStore]:
    """Give the fake, then the real one."""
    if request.param == "fake":
        yield FakeVectorStore()
        return
    request.getfixturevalue("qdrant")  # it deletes the collections that a test made
    with QdrantStore(QdrantPlace(url=request.getfixturevalue("vector_node").url)) as real:
        yield real


@pytest.fixture
def name(store: VectorStore) -> str:
    """Give a collection with a few points."""
    made = f"contract_{uuid4().hex[:8]}"
    store.create_collection(made, VECTORS | {"metadata": {"opsctl": {"state": "building"}}})
    store.create_payload_index(made, field="region", schema="keyword")
    store.upsert(made, [dict(point) for point in POINTS], wait=True)
    return made


def test_points_come_in_the_order_of_ids_and_page_by_page(store: VectorStore, name: str) -> None:
    """Numbers before UUIDs; the offset is the next id itself."""
    first = store.scroll(name, limit=3)
    second = store.scroll(name, limit=3, offset=first.next_offset)

    assert [point["id"] for point in first.points] == [1, 2, 3]
    assert first.next_offset == UUID
    assert ([point["id"] for point in second.points], second.next_offset) == ([UUID], None)


def test_an_offset_need_not_exist(store: VectorStore, name: str) -> None:
    """A range may begin at any id."""
    store.delete_points(name, [2])

    assert [point["id"] for point in store.scroll(name, limit=10, offset=2).points] == [3, UUID]


def test_vectors_and_payloads_come_back_as_they_are_kept(store: VectorStore, name: str) -> None:
    """Cosine vectors are normalised; payloads are unchanged, none is empty."""
    found = {point["id"]: point for point in store.scroll(name, limit=10, with_vectors=True).points}

    assert found[3]["vector"] == pytest.approx([0.0, 0.0, 1.0, 0.0])
    assert found[3]["payload"] == POINTS[0]["payload"]
    assert not found[2]["payload"]
    assert "vector" not in store.scroll(name, limit=1).points[0]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"must": [{"key": "region", "match": {"value": "AU"}}]}, [1, 3]),
        ({"must": [{"key": "region", "match": {"any": ["US", "NZ"]}}]}, [UUID]),
        ({"must": [{"key": "region", "match": {"except": ["US"]}}]}, [1, 3]),
        ({"must": [{"key": "quality", "range": {"gte": 0.4, "lt": 0.7}}]}, [1]),
        ({"must": [{"key": "tags", "match": {"value": "b"}}]}, [3]),
        ({"must_not": [{"is_empty": {"key": "tags"}}]}, [3]),
        ({"must_not": [{"must": [{"key": "region", "match": {"value": "AU"}}]}]}, [2, UUID]),
    ],
)
def test_filters_count_and_scroll_alike(
    store: VectorStore, name: str, asked: dict[str, Any], expected: list[object]
) -> None:
    """Every filter that a rebuild asks gives the same points everywhere."""
    assert [point["id"] for point in store.scroll(name, limit=10, filter=asked).points] == expected
    assert store.count(name, filter=asked) == len(expected)


def test_searches_find_the_nearest_first(store: VectorStore, name: str) -> None:
    """Scores fall, the filter holds, and both times are told."""
    asked = {"must": [{"key": "region", "match": {"any": ["AU", "US"]}}]}
    found = store.query(name, Query(vector=[1.0, 0.1, 0.0, 0.0], limit=2, filter=asked, exact=True))

    assert found.ids == (1, UUID)
    assert found.scores[0] > found.scores[1]
    assert 0 < found.engine_seconds < found.client_seconds


def test_an_upsert_replaces_the_whole_point(store: VectorStore, name: str) -> None:
    """Fields of the old payload do not stay behind."""
    store.upsert(name, [{"id": 3, "vector": [1.0, 0.0, 0.0, 0.0], "payload": {"region": "NZ"}}], wait=True)

    (point,) = store.retrieve(name, [3, 99], with_vectors=True)
    assert (point["payload"], point["vector"]) == ({"region": "NZ"}, pytest.approx([1.0, 0.0, 0.0, 0.0]))


def test_a_sample_obeys_the_filter(store: VectorStore, name: str) -> None:
    """Points chosen by chance are points of the collection that pass."""
    asked = {"must": [{"key": "region", "match": {"value": "AU"}}]}
    found = store.sample(name, limit=10, filter=asked, with_vectors=True, with_payload=True)

    assert sorted(point["id"] for point in found) == [1, 3]
    assert all(len(point["vector"]) == 4 and point["payload"]["region"] == "AU" for point in found)


def test_notes_merge_and_the_schema_is_told(store: VectorStore, name: str) -> None:
    """A change of metadata keeps the other keys; indexed fields show up with their kind."""
    store.update_collection(name, {"metadata": {"other": 1}})

    state = store.collection(name)
    assert state.metadata == {"opsctl": {"state": "building"}, "other": 1}
    assert state.payload_schema["region"]["data_type"] == "keyword"
    assert state.points_count == 4
    assert state.vectors[""]["size"] == 4


@pytest.mark.slow
def test_aliases_change_in_one_step(store: VectorStore, name: str) -> None:
    """An alias is moved by dropping and setting it at once, and reads go through it."""
    other, alias = f"{name}_other", f"{name}_alias"
    store.create_collection(other, VECTORS)
    store.change_aliases([SetAlias(alias=alias, collection=name)])
    assert store.count(alias) == 4

    store.change_aliases([DropAlias(alias=alias), SetAlias(alias=alias, collection=other)])

    assert store.aliases()[alias] == other
    assert store.count(alias) == 0
    assert alias not in store.collections()


def test_what_is_not_there_is_said_with_a_code(store: VectorStore) -> None:
    """A missing collection is COL006 on both paths; deleting it is no error."""
    asks: list[Callable[[], object]] = [
        lambda: store.collection("nowhere"),
        lambda: store.scroll("nowhere", limit=1),
        lambda: store.upsert("nowhere", [dict(POINTS[0])]),
        lambda: store.query("nowhere", Query(vector=[1.0, 0.0, 0.0, 0.0])),
    ]
    for ask in asks:
        with pytest.raises(OpsError) as failure:
            ask()
        assert failure.value.code == "COL006"
    store.delete_collection("nowhere")


def test_a_name_is_taken_once(store: VectorStore, name: str) -> None:
    """A second collection of the same name is refused."""
    with pytest.raises(OpsError) as failure:
        store.create_collection(name, VECTORS)

    assert failure.value.code == "COL005"


def test_parcels_arrive_as_they_were_sent(store: VectorStore, name: str) -> None:
    """Sealed or not, every page arrives whole: ids, payloads and vectors."""
    other = f"{name}_other"
    store.create_collection(other, VECTORS)
    parcels: list[Parcel] = []
    offset: int | str | None = None
    while not parcels or offset is not None:
        parcels.append(store.fetch(name, limit=3, offset=offset, filter={}))
        offset = parcels[-1].next_offset
        store.deliver(other, parcels[-1], wait=True)

    assert [parcel.count for parcel in parcels] == [3, 1]
    sent = store.scroll(name, limit=10, with_vectors=True).points
    assert store.scroll(other, limit=10, with_vectors=True).points == sent
