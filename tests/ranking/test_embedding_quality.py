"""Figures of a sample of vectors, on samples whose figures are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.ranking.embedding_quality import davies_bouldin, embedding_quality, silhouette, uniformity


def test_silhouette_and_davies_bouldin_of_four_points_by_hand():
    """Two pairs, 1 apart inside, 10 and a little apart outside."""
    points = np.array([[0.0, 0.0], [0.0, 1.0], [10.0, 0.0], [10.0, 1.0]])
    labels = np.array([0, 0, 1, 1])
    outside = (10 + np.sqrt(101)) / 2

    assert silhouette(points, labels) == pytest.approx((outside - 1) / outside)
    assert davies_bouldin(points, labels) == pytest.approx((0.5 + 0.5) / 10)


def test_equal_vectors_are_collapsed_and_opposite_ones_are_not():
    """0 is the worst of uniformity; two opposite unit vectors have a squared distance of 4."""
    assert uniformity(np.array([[1.0, 0.0]] * 5)) == 0.0
    assert uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(-8.0)


def test_clusters_with_one_centre_are_infinitely_bad_or_say_nothing():
    """Two rings around one centre; two points on one place."""
    rings = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])

    assert davies_bouldin(rings, np.array([0, 0, 1, 1])) == np.inf
    assert davies_bouldin(np.zeros((4, 2)), np.array([0, 0, 1, 1])) == 0.0


def test_one_category_has_no_clusters_to_tell_apart():
    """Uniformity is there all the same."""
    found = embedding_quality(np.eye(3), np.array(["a", "a", "a"]))

    assert (found.silhouette, found.davies_bouldin) == (None, None)
    assert found.uniformity == pytest.approx(-4.0)


def test_a_category_of_one_item_counts_for_no_cluster():
    """It has no inside."""
    vectors = np.array([[1.0, 0.0], [0.99, 0.1], [0.0, 1.0], [0.1, 0.99], [-1.0, 0.0]])

    found = embedding_quality(vectors, np.array(["a", "a", "b", "b", "lonely"]))

    assert found.vectors == 5
    assert found.silhouette == pytest.approx(
        embedding_quality(vectors[:4], np.array(list("aabb"))).silhouette
    )


@pytest.mark.parametrize(
    "bad", [[[0.0, 0.0], [1.0, 0.0]], [[np.nan, 1.0], [1.0, 0.0]], [[np.inf, 1.0], [1.0, 0.0]]]
)
def test_what_is_no_direction_is_refused(bad: list[list[float]]):
    """Zero, NaN and infinity."""
    with pytest.raises(ValueError, match="zero or not finite"):
        embedding_quality(np.array(bad), np.array(["a", "b"]))


def test_as_many_labels_as_vectors_are_needed():
    """Or a figure would be of other items."""
    with pytest.raises(ValueError, match="2 vectors and 1 labels"):
        embedding_quality(np.eye(2), np.array(["a"]))


@given(st.integers(0, 2**32 - 1))
def test_figures_stay_in_their_ranges_and_do_not_depend_on_lengths(seed: int):
    """Vectors are made unit length first."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(12, 5))
    labels = np.arange(12) % 3

    found = embedding_quality(vectors, labels)
    longer = embedding_quality(vectors * random.uniform(0.5, 7, size=(12, 1)), labels)

    assert found.silhouette is not None
    assert found.davies_bouldin is not None
    assert found.uniformity is not None
    assert -1 <= found.silhouette <= 1
    assert found.davies_bouldin >= 0
    assert -8 <= found.uniformity <= 0
    assert longer.silhouette == pytest.approx(found.silhouette)
    assert longer.uniformity == pytest.approx(found.uniformity)
