"""Diversity: MMR against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ranking.scene import random_source, unit_rows

from opsctl.ranking.diversity import choose_diverse
from opsctl.ranking.model import Floats

SIZES = st.integers(1, 25)


def _by_definition(relevance: Floats, vectors: np.ndarray, count: int, diversity: float) -> list[int]:
    cosines = vectors @ vectors.T
    chosen: list[int] = []
    while len(chosen) < count:
        left = [index for index in range(len(relevance)) if index not in chosen]
        gains = [
            (1 - diversity) * relevance[i]
            - diversity * max((float(cosines[i, j]) for j in chosen), default=0)
            for i in left
        ]
        chosen.append(left[int(np.argmax(gains))])
    return chosen


@given(size=SIZES, seed=st.integers(0, 1000), diversity=st.floats(0.01, 0.99), data=st.data())
def test_choice_is_that_of_the_definition(
    size: int, seed: int, diversity: float, data: st.DataObject
) -> None:
    """Against the plain O(n count^2) loop."""
    relevance, vectors = random_source(seed).random(size), unit_rows(size, seed=seed)
    count = data.draw(st.integers(0, size))

    chosen = choose_diverse(relevance, vectors, count=count, diversity=diversity)

    assert chosen.tolist() == _by_definition(relevance, vectors, count, diversity)


@given(size=SIZES, seed=st.integers(0, 1000))
def test_without_diversity_it_sorts_by_relevance(size: int, seed: int) -> None:
    """Of equals the first stays first."""
    relevance = random_source(seed).random(size).round(1)

    chosen = choose_diverse(relevance, unit_rows(size, seed=seed), count=size, diversity=0)

    assert chosen.tolist() == sorted(range(size), key=lambda index: (-relevance[index], index))


@given(size=st.integers(2, 25), seed=st.integers(0, 1000), diversity=st.floats(0, 1))
def test_nothing_is_chosen_twice(size: int, seed: int, diversity: float) -> None:
    """Also among items that are all the same."""
    relevance, vectors = np.full(size, 0.5), unit_rows(1, seed=seed).repeat(size, axis=0)

    chosen = choose_diverse(relevance, vectors, count=size, diversity=diversity)

    assert sorted(chosen.tolist()) == list(range(size))


def test_more_diversity_makes_a_list_more_different() -> None:
    """Two tight clusters of vectors: of four items one comes from the lesser one."""
    ahead, aside = np.eye(8, dtype=np.float32)[[0, 1]]
    vectors = np.stack([ahead] * 5 + [aside] * 5)
    relevance = np.array([0.9] * 5 + [0.8] * 5)

    alike = choose_diverse(relevance, vectors, count=4, diversity=0)
    mixed = choose_diverse(relevance, vectors, count=4, diversity=0.3)

    assert [(chosen >= 5).sum() for chosen in (alike, mixed)] == [0, 1]


@pytest.mark.parametrize(
    ("count", "diversity"), [(-1, 0.3), (4, 0.3), (2, -0.1), (2, 1.1), (2, float("nan"))]
)
def test_impossible_choices_are_refused(count: int, diversity: float) -> None:
    """Three items, a diversity from 0 to 1."""
    with pytest.raises(ValueError, match=r"cannot choose|diversity must"):
        choose_diverse(np.zeros(3), unit_rows(3, seed=1), count=count, diversity=diversity)
