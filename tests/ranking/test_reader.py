"""The reader: a vector that follows recent likes, a segment, a context."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.ranking.scene import random_source, unit_rows

from opsctl.ranking.reader import (
    CONTEXT,
    KIND_WEIGHTS,
    Segment,
    context_vector,
    interaction_weights,
    reader_vector,
    segment,
)

DAY = 86_400.0
HALF_LIFE = 30 * DAY
KINDS = st.lists(st.sampled_from(sorted(KIND_WEIGHTS)), max_size=20)


def _vector(vectors: NDArray[np.float32], kinds: list[str], ages: list[float]) -> NDArray[np.float32] | None:
    return reader_vector(vectors, kinds, ages, half_life_seconds=HALF_LIFE)


@given(KINDS, st.integers(0, 1000), st.data())
def test_a_vector_has_length_1_and_never_turns_away_from_the_likes(
    kinds: list[str], seed: int, data: st.DataObject
) -> None:
    """None exactly where nothing was liked; hides bend it, but the likes keep the upper hand."""
    vectors = unit_rows(len(kinds), seed=seed)
    ages = data.draw(st.lists(st.floats(0, 1e8), min_size=len(kinds), max_size=len(kinds)))

    vector = _vector(vectors, kinds, ages)

    liked = interaction_weights(kinds, ages, half_life_seconds=HALF_LIFE).clip(min=0)
    assert (vector is None) == (not liked.any())
    if vector is not None:
        assert vector.dtype == np.float32
        assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)
        assert float(vector @ (liked / liked.max() @ vectors)) > 0


def test_the_vector_of_one_like_is_that_thing() -> None:
    """However old it is."""
    (thing,) = unit_rows(1, seed=3)

    vector = _vector(thing[None, :], ["view"], [3650 * DAY])

    assert vector is not None
    np.testing.assert_allclose(vector, thing, atol=1e-6)


def test_recent_and_costly_interactions_count_more() -> None:
    """One half-life halves; a purchase is worth eight views."""
    first, second = np.eye(8, dtype=np.float32)[[0, 1]]

    recent = _vector(np.stack([first, second]), ["view", "view"], [0.0, HALF_LIFE])
    costly = _vector(np.stack([first, second]), ["purchase", "view"], [0.0, 0.0])

    assert recent is not None
    assert recent[0] / recent[1] == pytest.approx(2)
    assert costly is not None
    assert costly[0] / costly[1] == pytest.approx(8)


def test_what_was_hidden_counts_against() -> None:
    """The vector moves away from it, by at most half of what was liked."""
    liked, hidden = np.eye(8, dtype=np.float32)[[0, 1]]

    vector = _vector(np.stack([liked] + [hidden] * 9), ["view"] + ["hide"] * 9, [0.0] * 10)

    assert vector is not None
    assert vector[1] / vector[0] == pytest.approx(-0.5)


def test_no_likes_or_likes_that_cancel_out_make_a_cold_start() -> None:
    """No history, hides alone, two opposite likes."""
    (thing,) = unit_rows(1, seed=3)

    assert _vector(unit_rows(0, seed=1), [], []) is None
    assert _vector(thing[None, :], ["hide"], [0.0]) is None
    assert _vector(np.stack([thing, -thing]), ["save", "save"], [0.0, 0.0]) is None


def test_a_clock_that_went_ahead_counts_as_now() -> None:
    """An age below 0 must not count more than any other."""
    ahead = interaction_weights(["view"], [-DAY], half_life_seconds=DAY)

    assert ahead.tolist() == interaction_weights(["view"], [0.0], half_life_seconds=DAY).tolist()


@pytest.mark.parametrize(
    ("kinds", "ages", "half_life", "words"),
    [
        (["stare"], [0.0], DAY, "no interaction is called `stare`"),
        (["view"], [0.0, 1.0], DAY, "as many finite ages"),
        (["view"], [float("nan")], DAY, "as many finite ages"),
        (["view"], [0.0], 0.0, "half-life"),
        (["view", "view"], [0.0, 0.0], DAY, "as many vectors"),
    ],
)
def test_histories_that_do_not_fit_are_refused(
    kinds: list[str], ages: list[float], half_life: float, words: str
) -> None:
    """The message says what does not."""
    with pytest.raises(ValueError, match=words):
        reader_vector(unit_rows(1, seed=1), kinds, ages, half_life_seconds=half_life)


def test_a_vector_that_is_not_finite_is_refused() -> None:
    """It would make every similarity NaN."""
    with pytest.raises(ValueError, match="not finite"):
        _vector(np.full((1, 8), np.nan, np.float32), ["view"], [0.0])


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, Segment.COLD),
        (1, Segment.LIGHT),
        (9, Segment.LIGHT),
        (10, Segment.REGULAR),
        (49, Segment.REGULAR),
        (50, Segment.HEAVY),
    ],
)
def test_segments_begin_where_they_say(count: int, expected: Segment) -> None:
    """At both sides of each bound."""
    assert segment(count) is expected


@given(st.integers(0, 300), st.integers(0, 100))
def test_a_context_has_its_names_and_lies_within_0_and_1(count: int, seed: int) -> None:
    """The first number is always 1."""
    context = context_vector(unit_rows(count, seed=seed))

    assert context.shape == (len(CONTEXT),)
    assert context[0] == 1
    assert bool(((context >= 0) & (context <= 1)).all())


def test_a_reader_of_one_taste_is_focused() -> None:
    """And one of many is not; without a history there is neither experience nor focus."""
    one = context_vector(unit_rows(1, seed=1).repeat(50, axis=0))
    many = context_vector(
        random_source(1).permutation(np.concatenate([np.eye(8), -np.eye(8)])).astype(np.float32)
    )

    assert one[2] == pytest.approx(1, abs=1e-5)
    assert many[2] == pytest.approx(0, abs=1e-5)
    assert context_vector(unit_rows(0, seed=1)).tolist() == [1.0, 0.0, 0.0]
