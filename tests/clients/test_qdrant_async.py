"""What the service's own searcher asks of a server, and what it makes of good and bad answers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any
from uuid import uuid4

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qdrant_client import QdrantClient, models
from tests.running_node import RunningNode

from opsctl.clients.http_posts import is_loopback, posts_to
from opsctl.clients.http_proxied import ProxiedHttp
from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.clients.qdrant_reads import matrix_of, read_scored, read_vectors
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.errors import OpsError

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
VECTOR = np.array([0.6, 0.8, 0.0], dtype=np.float32)


@given(rows=arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=FLOATS))
def test_vectors_come_out_of_json_bit_for_bit(rows: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """The shortest text of a float32 is that float32 again."""
    points = [{"id": place, "version": 1, "score": 0.5, "vector": row} for place, row in enumerate(rows)]
    body = orjson.dumps({"result": {"points": points}, "time": 0.25}, option=orjson.OPT_SERIALIZE_NUMPY)

    found = read_scored(body, using=None, with_vectors=True)

    assert found.vectors is not None
    assert found.vectors.tobytes() == rows.tobytes()
    assert found.vectors.shape == rows.shape
    assert (found.ids, found.engine_seconds) == (tuple(range(len(rows))), 0.25)


@pytest.mark.parametrize(
    "rows", [[[1.0], [1.0, 2.0]], [["a"]], [[None]], [[1e39]], [[[1.0]]], [1.0]], ids=repr
)
def test_rows_that_are_no_matrix_are_refused(rows: list[Any]) -> None:
    """NumPy alone would take some of them for numbers."""
    with pytest.raises(ValueError, match="no vectors"):
        matrix_of(rows)


def test_points_without_the_vector_are_left_out() -> None:
    """A named one that a point does not have, or none at all."""
    points = [
        {"id": 1, "vector": {"text": [1.0, 2.0]}},
        {"id": "u", "vector": {"other": [3.0]}},
        {"id": 3, "vector": {}},
    ]

    found = read_vectors(orjson.dumps({"result": points}), using="text")

    assert {key: vector.tolist() for key, vector in found.items()} == {1: [1.0, 2.0]}
    assert read_vectors(b'{"result": []}', using=None) == {}


class Recorder:
    """A server that answers everything alike, and remembers the requests."""

    def __init__(self, body: bytes, *, status: int = 200) -> None:
        self._answer = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
        self.requests: list[tuple[bytes, Any]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                self.requests.append((head, orjson.loads(await reader.readexactly(length))))
                writer.write(self._answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def run(
    server: Recorder,
    scenario: Callable[[AsyncQdrantSearcher], Awaitable[None]],
    *,
    using: str | None = None,
    api_key: str | None = None,
) -> None:
    """Run a scenario against the server."""

    async def main() -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            place = QdrantPlace(url=f"{server.url}/below", api_key=api_key)
            searcher = AsyncQdrantSearcher(
                place, timeout_seconds=5, using=using, traceparent=lambda: "00-1-2-01"
            )
            try:
                await scenario(searcher)
            finally:
                await searcher.close()
            await asyncio.sleep(0.01)  # the server hears of the end

    asyncio.run(main())


def test_a_search_names_the_vector_and_brings_key_and_prefix() -> None:
    """The filter is passed on word by word; the collection's name is encoded."""
    server = Recorder(
        b'{"result": {"points": [{"id": 7, "score": 1, "vector": {"text": [1.0, 2.0]}}]}, "time": 0.5}'
    )

    async def scenario(searcher: AsyncQdrantSearcher) -> None:
        hits = await searcher.search(
            "a/b", vector=VECTOR, limit=3, filter={"must": [{"has_id": [7]}]}, with_vectors=True
        )
        assert (hits.ids, hits.scores, hits.engine_seconds) == ((7,), (1,), 0.5)
        assert hits.vectors is not None
        assert hits.vectors.tolist() == [[1.0, 2.0]]

    run(server, scenario, using="text", api_key="secret")

    ((head, asked),) = server.requests
    assert head.startswith(b"POST /below/collections/a%2Fb/points/query HTTP/1.1\r\n")
    assert b"\r\napi-key: secret\r\n" in head
    assert b"\r\ntraceparent: 00-1-2-01\r\n" in head
    assert asked == {
        "query": pytest.approx([0.6, 0.8, 0.0]),
        "limit": 3,
        "with_payload": False,
        "filter": {"must": [{"has_id": [7]}]},
        "using": "text",
        "with_vector": ["text"],
    }


@pytest.mark.parametrize(
    ("server", "code"),
    [
        (Recorder(b"<html>"), "COL008"),
        (Recorder(b"[]"), "COL008"),
        (Recorder(b'{"result": null}'), "COL008"),
        (Recorder(b'{"result": {"points": [{"id": 1}]}}'), "COL008"),
        (Recorder(b'{"result": {"points": [{"id": 1, "score": 1, "vector": [null]}]}}'), "COL008"),
        (Recorder(b'{"status": {"error": "no"}}', status=401), "COL003"),
        (Recorder(b'{"status": {"error": "no"}}', status=404), "COL006"),
        (Recorder(b'{"status": {"error": "no"}}', status=400), "COL005"),
        (Recorder(b"", status=503), "COL004"),
    ],
)
def test_a_bad_answer_is_an_error_with_its_code(server: Recorder, code: str) -> None:
    """As of every other client of the vector database."""

    async def scenario(searcher: AsyncQdrantSearcher) -> None:
        with pytest.raises(OpsError) as error:
            await searcher.search("content", vector=VECTOR, limit=3, with_vectors=True)
        assert error.value.code == code

    run(server, scenario)


@pytest.mark.stack
def test_it_finds_what_qdrant_client_finds(vector_node: RunningNode) -> None:
    """Ids, scores and vectors are the same numbers, bit for bit."""
    name, random = f"async_{uuid4().hex[:8]}", np.random.default_rng(7)
    rows = random.standard_normal((150, 24)).astype(np.float32)
    with closing(QdrantClient(url=vector_node.url, check_compatibility=False)) as plain:
        plain.create_collection(name, vectors_config=models.VectorParams(size=24, distance="Cosine"))
        try:
            plain.upsert(
                name,
                [models.PointStruct(id=place, vector=row.tolist()) for place, row in enumerate(rows)],
                wait=True,
            )
            expected = plain.query_points(name, query=rows[0].tolist(), limit=100, with_vectors=True).points

            async def scenario() -> None:
                searcher = AsyncQdrantSearcher(QdrantPlace(url=vector_node.url), timeout_seconds=5)
                hits = await searcher.search(name, vector=rows[0], limit=100, with_vectors=True)
                vectors = await searcher.vectors(name, [3, 1000, 5])
                await searcher.close()
                assert hits.ids == tuple(hit.id for hit in expected)
                assert hits.scores == tuple(hit.score for hit in expected)
                assert hits.vectors is not None
                assert (hits.vectors == np.array([hit.vector for hit in expected], np.float32)).all()
                assert sorted(map(int, vectors)) == [3, 5]
                assert vectors[5] @ rows[5] == pytest.approx(np.linalg.norm(rows[5]), rel=1e-5)

            asyncio.run(scenario())
        finally:
            plain.delete_collection(name)


def test_behind_a_proxy_httpx_sends_the_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names it; this machine is never asked through one."""
    server = Recorder(b'{"result": []}')

    async def scenario() -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            client = posts_to(
                "http://vectors.invalid/v1", headers={"a": "b"}, max_connections=2, largest_body_bytes=1000
            )
            answer = await client.post("/points", b"{}", traceparent="00-1-2-01")
            await client.close()
            await asyncio.sleep(0.01)  # the server hears of the end
            assert isinstance(client, ProxiedHttp)
            assert (answer.status, answer.body) == (200, b'{"result": []}')

    asyncio.run(scenario())

    assert server.requests[0][0].startswith(b"POST http://vectors.invalid/v1/points HTTP/1.1\r\n")
    assert b"\r\ntraceparent: 00-1-2-01\r\n" in server.requests[0][0].lower()
    assert is_loopback("http://localhost:1")
