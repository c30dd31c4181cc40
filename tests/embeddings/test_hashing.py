"""Hashed features: the same on every machine, similar for similar texts, bounded in memory."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.embeddings import hashing
from opsctl.embeddings.hashing import HashingEmbedder, words_of

KNOWN = [0.1133321, 0.654323, 0.6367905, -0.2441967, 0.2441967, -0.1308646, 0.0, 0.1308646]


def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    """The built-in hash() plays no part."""
    code = (
        "from opsctl.embeddings.hashing import HashingEmbedder as H;"
        "print(H(dimension=32, seed=3).embed(['Café in Köln 📷']).tobytes().hex())"
    )

    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "src"},
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert said == {HashingEmbedder(dimension=32, seed=3).embed(["Café in Köln 📷"]).tobytes().hex()}


def test_a_known_text_has_a_known_vector() -> None:
    """A change of the scheme would silently mix old and new vectors, so it must come with a new model id."""
    vector = HashingEmbedder(dimension=8).embed(["sunny loft"])[0]

    assert HashingEmbedder(dimension=8).model_id == "hashing-v1-d8-s0"
    np.testing.assert_allclose(vector, KNOWN, atol=1e-6)


def test_dimension_and_seed_are_part_of_the_model_id() -> None:
    """Vectors that differ have names that differ."""
    ids = {HashingEmbedder(dimension=d, seed=s).model_id for d in (8, 16) for s in (0, 1)}

    assert len(ids) == 4


def test_similar_texts_are_closer_than_different_ones() -> None:
    """Shared words and shared parts of words count."""
    query, spelt, other = HashingEmbedder().embed(
        ["wedding photographer Melbourne", "Weddings, photography: MELBOURNE!", "vegan street-food truck"]
    )

    assert query @ spelt > 0.5
    assert abs(query @ other) < 0.3


def test_case_and_width_and_composition_make_no_difference() -> None:
    """One word has one vector however it is typed."""
    vectors = HashingEmbedder().embed(
        ["CAFÉ STRASSE", "cafe\u0301 stra\u00dfe", "\uff43\uff41\uff46\u00e9 strasse"]
    )

    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_an_empty_text_is_the_first_unit_vector() -> None:
    """The defined vector for nothing."""
    np.testing.assert_array_equal(HashingEmbedder(dimension=8).embed([" \n"])[0], np.eye(8)[0])


@pytest.mark.slow
def test_forgetting_words_changes_no_vector(monkeypatch) -> None:
    """The memory for words is bounded, and a forgotten word comes back the same."""
    texts = [f"word{number} of many" for number in range(3000)]
    expected = HashingEmbedder(dimension=16).embed(texts)

    monkeypatch.setattr(hashing, "_REMEMBERED_WORDS", 100)
    forgetful = HashingEmbedder(dimension=16)

    np.testing.assert_array_equal(forgetful.embed(texts), expected)
    assert len(forgetful._index_of_word) < 100 + 2 * 512


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
def test_any_text_has_a_finite_vector_of_length_one(texts: list[str]) -> None:
    """Whatever Unicode brings, lone surrogates included."""
    lengths = np.linalg.norm(HashingEmbedder(dimension=16).embed([*texts, "\ud800"]), axis=1)

    np.testing.assert_allclose(lengths, 1, atol=1e-5)


@given(st.text())
def test_words_are_never_longer_than_forty_characters(text: str) -> None:
    """A field without blanks cannot cost a minute."""
    assert all(0 < len(word) <= 40 for word in words_of(text))
