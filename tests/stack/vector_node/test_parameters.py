"""Create and update parameters reach the engine and come back in the collection's info."""

import pytest
from qdrant_client import QdrantClient, models
from tests.stack.vector_node.helpers import create, fill, ids, is_green, points, wait_for

pytestmark = pytest.mark.stack

_SCALAR = models.ScalarQuantization(
    scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
)
_QUANTIZATIONS: dict[str, models.QuantizationConfig] = {
    "scalar": _SCALAR,
    "binary": models.BinaryQuantization(
        binary=models.BinaryQuantizationConfig(encoding=models.BinaryQuantizationEncoding.TWO_BITS)
    ),
    "product": models.ProductQuantization(
        product=models.ProductQuantizationConfig(compression=models.CompressionRatio.X4)
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("quantization", _QUANTIZATIONS.values(), ids=_QUANTIZATIONS)
def test_quantized_collections_are_indexed_and_searched(
    qdrant: QdrantClient, quantization: models.QuantizationConfig
) -> None:
    """Each quantization is shown in the info, and a rescored search finds the point itself."""
    create(
        qdrant, "quantized", quantization_config=quantization,
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=20),
    )  # fmt: skip
    fill(qdrant, "quantized", 1000)
    wait_for(lambda: is_green(qdrant, "quantized"), what="green")
    wanted = points(500)[7]

    params = models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=3.0))
    found = qdrant.query_points("quantized", wanted.vector, limit=1, search_params=params).points  # type: ignore[arg-type]

    assert [each.id for each in found] == [7]
    info = qdrant.get_collection("quantized")
    assert info.config.quantization_config == quantization
    assert info.indexed_vectors_count == 1000


def test_info_shows_what_was_asked_for(qdrant: QdrantClient) -> None:
    """HNSW, optimizer, storage and metadata parameters come back, the rest as Qdrant's defaults."""
    create(
        qdrant, "told",
        hnsw_config=models.HnswConfigDiff(m=8, ef_construct=64, payload_m=4),
        optimizers_config=models.OptimizersConfigDiff(default_segment_number=3),
        on_disk_payload=False, metadata={"plan": "abc"},
    )  # fmt: skip

    config = qdrant.get_collection("told").config

    hnsw = config.hnsw_config
    assert (hnsw.m, hnsw.ef_construct, hnsw.payload_m, hnsw.full_scan_threshold) == (8, 64, 4, 10_000)
    assert config.optimizer_config.default_segment_number == 3
    assert config.optimizer_config.indexing_threshold == 10_000
    assert config.params.on_disk_payload is False
    assert config.metadata == {"plan": "abc"}


@pytest.mark.slow
def test_a_patch_is_in_force_and_merges_metadata(qdrant: QdrantClient) -> None:
    """Lowering the threshold makes the collection index itself; points and other parameters stay."""
    create(
        qdrant,
        "patched",
        metadata={"a": 1},
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
    )
    fill(qdrant, "patched", 1500)
    before = qdrant.get_collection("patched")
    assert (before.status, before.indexed_vectors_count) == (models.CollectionStatus.GREEN, 0)

    qdrant.update_collection(
        "patched", metadata={"b": 2}, hnsw_config=models.HnswConfigDiff(m=24),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=20),
    )  # fmt: skip
    assert qdrant.get_collection("patched").status == models.CollectionStatus.YELLOW
    wait_for(lambda: is_green(qdrant, "patched"), what="green")

    after = qdrant.get_collection("patched")
    assert after.indexed_vectors_count == 1500
    assert (after.config.hnsw_config.m, after.config.metadata) == (24, {"a": 1, "b": 2})
    assert ids(qdrant, "patched") == set(range(1500))


@pytest.mark.slow
def test_every_kind_of_payload_index_is_made_shown_and_removed(qdrant: QdrantClient) -> None:
    """Parameters such as `is_tenant` are kept; a removed index is gone."""
    create(qdrant, "indexed")
    wanted: dict[str, models.PayloadSchemaParams] = {
        "keyword": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
        "integer": models.IntegerIndexParams(type=models.IntegerIndexType.INTEGER, lookup=True, range=True),
        "float": models.FloatIndexParams(type=models.FloatIndexType.FLOAT),
        "geo": models.GeoIndexParams(type=models.GeoIndexType.GEO),
        "bool": models.BoolIndexParams(type=models.BoolIndexType.BOOL),
        "datetime": models.DatetimeIndexParams(type=models.DatetimeIndexType.DATETIME),
        "uuid": models.UuidIndexParams(type=models.UuidIndexType.UUID),
        "text": models.TextIndexParams(
            type=models.TextIndexType.TEXT, tokenizer=models.TokenizerType.WORD, lowercase=True
        ),
    }
    for kind, params in wanted.items():
        qdrant.create_payload_index("indexed", f"field_{kind}", params)

    schema = qdrant.get_collection("indexed").payload_schema
    assert {name: each.data_type.value for name, each in schema.items()} == {
        f"field_{kind}": kind for kind in wanted
    }
    assert schema["field_keyword"].params == wanted["keyword"]

    qdrant.delete_payload_index("indexed", "field_keyword")
    assert "field_keyword" not in qdrant.get_collection("indexed").payload_schema


def test_search_parameters_are_taken(qdrant: QdrantClient) -> None:
    """Exact, ef and ACORN are understood."""
    create(qdrant, "searched")
    fill(qdrant, "searched", 200)
    vector = points(200)[3].vector

    for params in (
        models.SearchParams(exact=True),
        models.SearchParams(hnsw_ef=64),
        models.SearchParams(acorn=models.AcornSearchParams(enable=True, max_selectivity=0.5)),
    ):
        found = qdrant.query_points("searched", vector, limit=1, search_params=params).points  # type: ignore[arg-type]
        assert [each.id for each in found] == [3]


@pytest.mark.slow
def test_answers_tell_the_engine_time(qdrant: QdrantClient) -> None:
    """`time` is the engine's own seconds, in every answer of a query."""
    create(qdrant, "timed")
    fill(qdrant, "timed", 50)

    answer = qdrant.http.search_api.query_points("timed", query_request=models.QueryRequest(query=0, limit=3))

    assert answer.time is not None
    assert 0 < answer.time < 5
