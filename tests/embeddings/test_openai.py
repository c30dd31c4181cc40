"""A remote embedding model: batches, retries, and plain words about what went wrong."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest

from opsctl.core.errors import NotReadyError, OpsError, UsageError
from opsctl.embeddings.openai import OpenAiEmbedder

Handler = Callable[[httpx.Request], httpx.Response]


class _Clock:
    """Sleeps without waiting, and remembers for how long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _embedder(handler: Handler, *, dimension: int = 2, clock: _Clock | None = None) -> OpenAiEmbedder:
    return OpenAiEmbedder(
        url="https://model.test/v1/",
        model="tiny",
        dimension=dimension,
        api_key="secret",
        transport=httpx.MockTransport(handler),
        clock=clock or _Clock(),
    )


def _answer(request: httpx.Request) -> httpx.Response:
    inputs = json.loads(request.content)["input"]
    return httpx.Response(
        200, json={"data": [{"index": n, "embedding": [float(len(t)), 0.5]} for n, t in enumerate(inputs)]}
    )


def test_many_texts_go_in_batches_with_key_and_model() -> None:
    """600 texts are three requests, each to `/embeddings` with the bearer token."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return _answer(request)

    vectors = _embedder(handler).embed(["x" * (1 + n % 7) for n in range(600)])

    assert vectors.shape == (600, 2)
    assert [len(json.loads(request.content)["input"]) for request in seen] == [256, 256, 88]
    assert {str(request.url) for request in seen} == {"https://model.test/v1/embeddings"}
    assert {request.headers["authorization"] for request in seen} == {"Bearer secret"}
    assert {json.loads(request.content)["model"] for request in seen} == {"tiny"}


def test_busy_and_broken_answers_are_tried_again_with_growing_pauses() -> None:
    """429 with Retry-After, 503 and a lost connection come before the good answer."""
    troubles = iter([httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(503), None])
    clock = _Clock()

    def handler(request: httpx.Request) -> httpx.Response:
        trouble = next(troubles, "none")
        if trouble is None:
            raise httpx.ConnectError("lost")
        return trouble if isinstance(trouble, httpx.Response) else _answer(request)

    vectors = _embedder(handler, clock=clock).embed(["text"])

    assert vectors.shape == (1, 2)
    assert clock.slept == [7.0, 1.0, 2.0]


def test_after_five_attempts_the_endpoint_counts_as_not_ready() -> None:
    """EMB003 names the address and the last reason."""
    clock = _Clock()

    with pytest.raises(NotReadyError, match="no embeddings in 5 attempts") as caught:
        _embedder(lambda _: httpx.Response(500), clock=clock).embed(["text"])

    assert (caught.value.code, caught.value.why, len(clock.slept)) == ("EMB003", "status 500", 4)


def test_a_wrong_key_is_told_at_once() -> None:
    """401 is not tried again, and the key itself is not shown."""
    clock = _Clock()

    with pytest.raises(UsageError) as caught:
        _embedder(lambda _: httpx.Response(401, text="bad key"), clock=clock).embed(["text"])

    assert (caught.value.code, caught.value.why, clock.slept) == ("EMB004", "bad key", [])
    assert "secret" not in str(caught.value)


def test_another_dimension_is_refused_with_the_right_number() -> None:
    """The fix can be copied into opsctl.yaml."""
    with pytest.raises(UsageError) as caught:
        _embedder(_answer, dimension=128).embed(["text"])

    assert (caught.value.code, caught.value.fix) == ("EMB002", "set `embedding.dimension: 2` in opsctl.yaml")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"data": []}',
        b'{"data": [{"index": 0, "embedding": [0, 0]}]}',
        b'{"data": [{"index": 0, "embedding": [1e400, 1]}]}',
    ],
    ids=["no-json", "no-data", "too-few", "zero", "infinite"],
)
def test_an_answer_that_is_no_embedding_is_told(body: bytes) -> None:
    """A vector of zeros or infinities never reaches a collection."""
    with pytest.raises(OpsError) as caught:
        _embedder(lambda _: httpx.Response(200, content=body)).embed(["text"])

    assert caught.value.code == "EMB003"


def test_rows_in_another_order_are_put_right() -> None:
    """The index of a row decides, not its place."""

    def handler(_: httpx.Request) -> httpx.Response:
        rows = [{"index": 1, "embedding": [0, 3]}, {"index": 0, "embedding": [2, 0]}]
        return httpx.Response(200, json={"data": rows})

    np.testing.assert_array_equal(_embedder(handler).embed(["a", "b"]), [[1, 0], [0, 1]])
