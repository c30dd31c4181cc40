"""From scores to slates: the best come first, what cannot be a slate is refused, memory stays bounded."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.learners.scenes import contexts, feedback, scene

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.choosing import best, check_contexts, check_feedback, rows_at_once


@given(
    rows=st.integers(0, 5),
    columns=st.integers(1, 9),
    data=st.data(),
    seed=st.integers(0, 1000),
)
def test_the_best_places_are_those_of_a_full_sort(rows: int, columns: int, data, seed: int) -> None:
    """Scores without ties, and all sizes."""
    size = data.draw(st.integers(1, columns))
    scores = np.random.default_rng(seed).permuted(np.tile(np.arange(columns, dtype=float), (rows, 1)), axis=1)

    places = best(scores, size)

    assert places.tolist() == np.argsort(-scores, axis=1)[:, :size].tolist()


def test_a_score_that_is_no_number_comes_last() -> None:
    """NaN is no reason to show an item."""
    assert best(np.array([[np.nan, 1.0, 2.0, -5.0]]), 3).tolist() == [[2, 1, 3]]
    assert best(np.array([[np.nan, -1.0]]), 1).tolist() == [[1]]


@given(count=st.integers(0, 100_000), floats=st.integers(0, 10_000_000))
def test_parts_cover_all_rows_and_none_is_larger_than_memory_allows(count: int, floats: int) -> None:
    """One row at least goes at once, however large."""
    parts = list(islice(rows_at_once(count, floats_a_row=floats), 200))

    assert all(part.stop - part.start == 1 or (part.stop - part.start) * floats <= 1 << 18 for part in parts)
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]


@pytest.mark.parametrize(
    ("change", "size", "code"),
    [
        ({}, 13, "EXP101"),
        ({}, 0, "EXP101"),
        ({"users": np.zeros(3, np.int64)}, 4, "EXP101"),
        ({"user_groups": np.zeros(3, np.int64)}, 4, "EXP101"),
        ({"user_vectors": np.full((8, 16), np.nan)}, 4, "EXP102"),
    ],
)
def test_contexts_of_which_no_slate_can_be_made_are_refused(change, size: int, code: str) -> None:
    """Each with its code."""
    asked = contexts(scene(), np.random.default_rng(1), feeds=8, candidates=12)

    with pytest.raises(UsageError) as refused:
        check_contexts(replace(asked, **change), size=size)

    assert refused.value.code == code


@pytest.mark.parametrize("reward", [np.nan, np.inf, -0.1, 1.5])
def test_feedback_with_a_reward_that_is_none_is_refused(reward: float) -> None:
    """One such row would spoil every mean."""
    given = feedback(scene(), np.arange(3), np.arange(3), np.array([0.0, reward, 1.0]))

    with pytest.raises(UsageError, match="from 0 to 1"):
        check_feedback(given)


def test_feedback_whose_rows_do_not_match_is_refused() -> None:
    """Three rewards, two items."""
    given = feedback(scene(), np.arange(3), np.arange(3), np.zeros(3))

    with pytest.raises(UsageError, match="3 rewards came with"):
        check_feedback(replace(given, items=np.arange(2)))
