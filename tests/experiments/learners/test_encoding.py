"""What learners see: numbers of about the same size, nothing where nothing is known, the same on every machine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.experiments.learners.encoding import ItemEncodings, encoding_of, layer_norm
from opsctl.experiments.learners.model import Items


@given(seed=st.integers(0, 1000), length=st.integers(2, 60), count=st.integers(3, 50))
def test_encodings_have_mean_0_and_variance_1_whatever_the_vectors_are_like(seed, length, count) -> None:
    """Also where directions are of very different size, or fewer than are wanted."""
    vectors = np.random.default_rng(seed).standard_normal((count, length)) * np.geomspace(1e-2, 1e2, length)

    encoding = encoding_of(vectors, width=16)
    rows = encoding.encode(vectors)

    spread = ((vectors - encoding.centre) @ encoding.directions).var(axis=1)  # 0 in the very centre
    assert rows.shape == (count, 16)
    np.testing.assert_allclose(rows.mean(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(rows.var(axis=1), spread / (spread + 1e-5), rtol=1e-9)
    assert np.median(rows.var(axis=1)) > 0.99


def test_a_reader_of_whom_nothing_is_known_stays_unknown() -> None:
    """Taking off the centre must not make somebody of nobody."""
    vectors = 5.0 + np.random.default_rng(1).standard_normal((30, 20))

    rows = encoding_of(vectors).encode(np.vstack([np.zeros(20), vectors[0]]))

    assert not rows[0].any()
    assert rows[1].any()


def test_nearby_items_are_nearby_when_encoded() -> None:
    """Two clusters stay two clusters."""
    source = np.random.default_rng(2)
    centres = source.standard_normal((2, 64))
    vectors = np.repeat(centres, 20, axis=0) + 0.1 * source.standard_normal((40, 64))

    rows = encoding_of(vectors, width=4).encode(vectors)

    products = rows @ rows.T
    assert products[:20, :20].mean() > products[:20, 20:].mean() + 1.0


def test_items_are_encoded_anew_when_they_are_others() -> None:
    """A learner whose items change does not go on with the old ones."""
    source = np.random.default_rng(3)
    first, second = (
        Items(vectors=source.standard_normal((9, 5)), groups=np.zeros(9, np.int64)) for _ in range(2)
    )
    encodings = ItemEncodings(encoding_of(first.vectors, width=4))

    before, after, again = encodings.of(first), encodings.of(second), encodings.of(first)

    assert np.array_equal(before, again)
    assert not np.allclose(before, after)


def test_rows_of_equal_numbers_become_zeros() -> None:
    """There is nothing to divide by."""
    assert not layer_norm(np.full((2, 4), 7.0)).any()


@pytest.mark.parametrize("vectors", [np.zeros((0, 4)), np.full((3, 4), np.nan), np.zeros(4)])
def test_no_vectors_give_no_encoding(vectors) -> None:
    """An error, not a row of NaN."""
    with pytest.raises(ValueError, match="finite vectors"):
        encoding_of(vectors)
