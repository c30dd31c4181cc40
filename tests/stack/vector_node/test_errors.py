"""What the vector node cannot do or will not take is answered in Qdrant's error shape, never ignored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from qdrant_client import QdrantClient, models
from tests.http2_beginning import speaks_http2
from tests.running_node import RunningNode
from tests.stack.vector_node.helpers import create, fill

pytestmark = pytest.mark.stack

_VECTORS = {"size": 4, "distance": "Dot"}


@pytest.fixture
def http(vector_node: RunningNode, qdrant: QdrantClient) -> Any:
    """Give a plain client, and a collection `errors` of four dimensions."""
    qdrant.create_collection(
        "errors", vectors_config=models.VectorParams(size=4, distance=models.Distance.DOT)
    )
    with vector_node.http() as client:
        yield client


def _error(answer: httpx.Response) -> str:
    document = answer.json()
    assert set(document) == {"status", "time"}
    assert isinstance(document["time"], float)
    return str(document["status"]["error"])


_POINTS = "/collections/errors/points"
_REFUSALS: dict[str, tuple[str, str, bytes, int, str]] = {
    "payload too deep": (
        "PUT", _POINTS, b'{"points":[{"id":1,"vector":[1,0,0,0],"payload":{"a":' + b"[" * 130 + b"]" * 130 + b"}}]}",
        400, "nested deeper",
    ),
    "batch payload too deep": (
        "PUT", _POINTS, b'{"batch":{"ids":[1],"vectors":[[1,0,0,0]],"payloads":[{"a":' + b"[" * 130 + b"]" * 130
        + b"}]}}", 400, "nested deeper",
    ),
    "payload set too deep": (
        "POST", _POINTS + "/payload", b'{"points":[1],"payload":{"a":' + b'{"a":' * 130 + b"1" + b"}" * 131 + b"}",
        400, "nested deeper",
    ),
    "payload overwritten too deep by its path": (
        "PUT", _POINTS + "/payload", b'{"points":[1],"payload":{"a":1},"key":"' + b"a." * 130 + b'a"}',
        400, "nested deeper",
    ),
    "malformed JSON": ("PUT", _POINTS, b'{"points": [', 400, "Format error in JSON body"),
    "NaN": ("PUT", _POINTS, b'{"points":[{"id":1,"vector":[NaN,0,0,0]}]}', 400, "Format error"),
    "Infinity": ("PUT", _POINTS, b'{"points":[{"id":1,"vector":[Infinity,0,0,0]}]}', 400, "Format error"),
    "too large for float32": ("PUT", _POINTS, b'{"points":[{"id":1,"vector":[1e39,0,0,0]}]}', 400, "float32"),
    "query too large for float32": ("POST", _POINTS + "/query", b'{"query":[1e39,0,0,0]}', 400, "float32"),
    "wrong dimension": ("PUT", _POINTS, b'{"points":[{"id":1,"vector":[1,2]}]}', 400, "expected dim: 4, got 2"),
    "boolean in a vector": ("PUT", _POINTS, b'{"points":[{"id":1,"vector":[true,0,0,0]}]}', 400, "vector"),
    "text in a vector": ("PUT", _POINTS, b'{"points":[{"id":1,"vector":["1",0,0,0]}]}', 400, "vector"),
    "negative id": ("PUT", _POINTS, b'{"points":[{"id":-1,"vector":[1,0,0,0]}]}', 400, "negative"),
    "id that is no UUID": ("PUT", _POINTS, b'{"points":[{"id":"abc","vector":[1,0,0,0]}]}', 400, "UUID"),
    "unknown key": ("POST", _POINTS + "/scroll", b'{"limitt":3}', 400, "limitt"),
    "limit of zero": ("POST", _POINTS + "/query", b'{"query":[1,0,0,0],"limit":0}', 422, "1 or larger"),
    "unknown vector name": ("POST", _POINTS + "/query", b'{"query":[1,0,0,0],"using":"x"}', 400, "vector name"),
    "query by an unknown id": ("POST", _POINTS + "/query", b'{"query":99}', 404, "No point with id 99"),
    "broken JSON path": (
        "POST", _POINTS + "/count", b'{"filter":{"must":[{"key":"a[","match":{"value":1}}]}}', 400, "path",
    ),
    "order without an index": ("POST", _POINTS + "/scroll", b'{"order_by":"n"}', 400, "No range index"),
    "shard key": ("POST", _POINTS + "/count", b'{"shard_key":"a"}', 400, "shard keys"),
    "formula": ("POST", _POINTS + "/query", b'{"query":{"formula":"$score"}}', 501, "FormulaQuery"),
    "inference": ("POST", _POINTS + "/query", b'{"query":{"text":"x","model":"m"}}', 501, "inference"),
    "lookup elsewhere": (
        "POST", _POINTS + "/query", b'{"query":1,"lookup_from":{"collection":"x"}}', 501, "look up",
    ),
    "groups": ("POST", _POINTS + "/query/groups", b"{}", 501, "Not implemented"),
    "unknown path": ("GET", "/nothing", b"", 404, "Not found"),
    "unknown collection": ("POST", "/collections/nowhere/points/count", b"{}", 404, "doesn't exist"),
    "unknown point": ("GET", _POINTS + "/1234", b"", 404, "1234"),
    "index without a type": ("PUT", "/collections/errors/index", b'{"field_name":"a"}', 400, "field_schema"),
    "bad timeout": ("POST", _POINTS + "/count?timeout=x", b"{}", 400, "timeout"),
    "payload of an unknown point": (
        "POST", _POINTS + "/payload", b'{"payload":{"a":1},"points":[77]}', 404, "No point with id 77",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", _REFUSALS.values(), ids=_REFUSALS)
def test_a_bad_request_is_refused_with_its_reason(
    http: httpx.Client, case: tuple[str, str, bytes, int, str]
) -> None:
    """Status and text of each refusal; nothing has been stored."""
    method, path, body, status, reason = case

    answer = http.request(method, path, content=body)

    assert (answer.status_code, reason in _error(answer)) == (status, True), answer.text
    assert http.post(_POINTS + "/count", json={}).json()["result"]["count"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"shard_number": 2}, "one machine"),
        ({"replication_factor": 2}, "one machine"),
        ({"write_consistency_factor": 3}, "one machine"),
        ({"sharding_method": "custom"}, "one machine"),
        ({"optimizers_config": {"memmap_threshold": 1000}}, "memmap_threshold"),
        ({"optimizers_config": {"prevent_unoptimized": True}}, "prevent_unoptimized"),
        ({"wal_config": {"wal_capacity_mb": 1}}, "write-ahead log"),
        ({"strict_mode_config": {"enabled": True}}, "strict mode"),
        ({"init_from": {"collection": "x"}}, "init_from"),
        ({"vectors": {}}, "at least one vector"),
    ],
)
def test_a_parameter_the_engine_cannot_honour_is_refused(
    http: httpx.Client, parameters: dict[str, object], reason: str
) -> None:
    """The collection is not made."""
    answer = http.put("/collections/errors_new", json={"vectors": _VECTORS} | parameters)

    assert answer.status_code in {400, 501}
    assert reason in _error(answer)
    assert not http.get("/collections/errors_new/exists").json()["result"]["exists"]


@pytest.mark.slow
def test_a_body_above_the_limit_is_refused(http: httpx.Client) -> None:
    """64 MiB and one byte are answered 413, and the node goes on."""
    answer = http.put(_POINTS, content=b" " * (64 * 1024 * 1024 + 1))

    assert answer.status_code == 413
    assert "larger than allowed" in _error(answer)
    assert http.get("/healthz").status_code == 200


@pytest.mark.slow
def test_the_key_is_asked_for_everywhere_but_at_the_health_doors(
    new_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    """Header `api-key` or a bearer token; anything else is 401."""
    key_file = tmp_path / "key"
    key_file.write_text("s3cret\n")
    node = new_node("--api-key-file", str(key_file))

    with node.http() as client:
        assert client.get("/collections").status_code == 401
        assert client.get("/collections", headers={"api-key": "s3cre"}).status_code == 401
        assert client.get("/collections", headers={b"api-key": "ключ".encode()}).status_code == 401
        assert client.get("/metrics").status_code == 401
        assert client.get("/collections", headers={"api-key": "s3cret"}).status_code == 200
        assert client.get("/collections", headers={"authorization": "Bearer s3cret"}).status_code == 200
        assert client.get("/healthz").status_code == 200
        assert client.get("/").json()["version"].startswith("1.")


def test_metrics_are_prometheus_text(vector_node: RunningNode, qdrant: QdrantClient) -> None:
    """Requests by endpoint and status, latency, points: read by Prometheus's own parser."""
    create(qdrant, "metered")
    fill(qdrant, "metered", 20)
    qdrant.count("metered")

    with vector_node.http() as client:
        families = {each.name: each for each in text_string_to_metric_families(client.get("/metrics").text)}

    labels = {"method": "POST", "endpoint": "/collections/{name}/points/count", "status": "200"}
    counts = [each.value for each in families["rest_responses"].samples if each.labels == labels]
    assert len(counts) == 1
    assert counts[0] >= 1
    points = {each.labels["id"]: each.value for each in families["collection_points"].samples}
    assert points["metered"] == 20.0
    assert families["rest_responses_duration_seconds"].type == "histogram"


def test_a_beginning_of_http2_is_not_waited_for(vector_node: RunningNode) -> None:
    """A client that says half of it, or nothing, would be waited for without end."""
    assert not speaks_http2(vector_node.port)


def test_the_client_finds_its_version_compatible(vector_node: RunningNode) -> None:
    """The version at `/` passes the check of qdrant-client, which compares major and minor."""
    from importlib.metadata import version

    from qdrant_client.common.version_check import is_compatible

    with vector_node.http() as client:
        served = client.get("/").json()["version"]

    assert is_compatible(version("qdrant-client"), served)


@pytest.mark.slow
def test_telemetry_and_cluster_answer(vector_node: RunningNode, qdrant: QdrantClient) -> None:
    """The version and each collection's count are told; there is no cluster."""
    create(qdrant, "told")
    fill(qdrant, "told", 4)

    with vector_node.http() as client:
        told = client.get("/telemetry").json()["result"]
        assert client.get("/cluster").json()["result"] == {"status": "disabled"}

    assert told["app"]["version"] == "1.20.0"
    assert {each["id"]: each["points"] for each in told["collections"]["collections"]}["told"] == 4
