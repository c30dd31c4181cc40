"""Features: unknown values have no say, cosines on the grid are exact and near the true ones."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.ranking.scene import make_candidates, make_reader, unit_rows

from opsctl.ranking.features import UNKNOWN, cosines, nearness, on_exact_grid, weighted_mean
from opsctl.ranking.model import Floats

VALUES = arrays(np.float64, 5, elements=st.one_of(st.floats(0, 1), st.just(float("nan"))))


@given(st.lists(st.tuples(st.floats(-5, 5), VALUES), min_size=1, max_size=5))
def test_a_weighted_mean_is_that_of_what_is_known(parts: list[tuple[float, Floats]]) -> None:
    """Item by item, by the definition; a negative weight turns its values around."""
    means = weighted_mean(parts)

    for item, mean in enumerate(means):
        known = [(weight, values[item]) for weight, values in parts if not np.isnan(values[item])]
        total = sum(abs(weight) for weight, _ in known)
        summed = sum(abs(weight) * (1 - value if weight < 0 else value) for weight, value in known)
        assert 0 <= mean <= 1
        assert mean == pytest.approx(summed / total if total > 0 else UNKNOWN)


@given(dimensions=st.integers(1, 200), seed=st.integers(0, 1000))
def test_cosines_on_the_grid_are_exact_and_near_the_true_ones(dimensions: int, seed: int) -> None:
    """Against fractions, and against float64 of the vectors as they were."""
    rows = unit_rows(3, seed=seed, dimensions=dimensions)
    grid = on_exact_grid(rows)

    computed = cosines(grid, grid)

    exact = [
        [sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, y, strict=True)) for y in grid]
        for x in grid
    ]
    assert [[Fraction(float(value)) for value in row] for row in computed] == exact
    np.testing.assert_allclose(computed, rows.astype(float) @ rows.T.astype(float), atol=0.003)


def test_rows_that_are_not_finite_become_zeros() -> None:
    """The others stay."""
    rows = unit_rows(3, seed=1)
    rows[1, 2] = np.inf

    grid = on_exact_grid(rows)

    assert not grid[1].any()
    assert grid[0].any()
    assert grid[2].any()


@given(count=st.integers(0, 10), history_count=st.integers(0, 6))
def test_nearness_is_the_mean_of_the_nearest(count: int, history_count: int) -> None:
    """By the definition; NaN without a history."""
    candidates, reader = make_candidates(count), make_reader(history_count)

    near = nearness(candidates, reader)

    assert near.shape == (count,)
    for vector, value in zip(candidates.vectors, near, strict=True):
        best = sorted((max(0.0, float(vector @ other)) for other in reader.history), reverse=True)[:3]
        assert value == pytest.approx(np.mean(best), abs=1e-6) if best else np.isnan(value)
