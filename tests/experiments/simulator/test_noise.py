"""Chance in the simulator: a function of who, when and what for; even, independent, and the same whoever asks first."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from opsctl.experiments.simulator.noise import Noise, Stream, on_exact_grid

_USERS = np.arange(20_000)


@given(
    seed=st.integers(0, 2**32 - 1),
    day=st.integers(-365, 730),
    slot=st.integers(0, 9),
    stream=st.sampled_from(Stream),
    data=st.data(),
)
@settings(max_examples=50)
def test_a_number_does_not_depend_on_who_else_is_asked_about(
    seed: int, day: int, slot: int, stream: Stream, data: st.DataObject
) -> None:
    """Any part of the readers, in any order, and any part of the columns."""
    noise = Noise(seed=seed)
    users = np.array(data.draw(st.lists(st.integers(0, 500), min_size=1, max_size=20)))
    columns = np.array(data.draw(st.lists(st.integers(0, 500), min_size=1, max_size=20)))

    table = noise.uniforms_at(stream, day=day, users=np.arange(501), columns=np.arange(501), slot=slot)

    found = noise.uniforms_at(stream, day=day, users=users, columns=columns, slot=slot)
    assert (found == table[np.ix_(users, columns)]).all()
    each = noise.uniforms_at(
        stream, day=day, users=users, columns=np.tile(columns, (len(users), 1)), slot=slot
    )
    assert (each == found).all()
    assert ((found > 0) & (found < 1)).all()


@pytest.mark.parametrize("stream", [Stream.RETURN, Stream.CHOICE])
def test_numbers_are_even_over_readers_over_columns_and_over_days(stream: Stream) -> None:
    """Kolmogorov and Smirnov find nothing."""
    noise = Noise(seed=3)
    samples = [
        noise.uniforms(stream, day=4, users=_USERS),
        noise.uniforms_at(stream, day=4, users=np.array([5]), columns=_USERS)[0],
        np.array([noise.uniforms(stream, day=day, users=np.array([5]))[0] for day in range(-2000, 2000)]),
        np.array([Noise(seed=seed).uniforms(stream, day=4, users=np.array([5]))[0] for seed in range(4000)]),
    ]

    for sample in samples:
        assert stats.kstest(sample, "uniform").pvalue > 1e-4


def test_days_slots_streams_seeds_and_neighbours_have_nothing_to_do_with_each_other() -> None:
    """No correlation, and evenness in two dimensions."""
    base = Noise(seed=3).uniforms(Stream.RETURN, day=4, users=_USERS)
    others = [
        Noise(seed=4).uniforms(Stream.RETURN, day=4, users=_USERS),
        Noise(seed=3).uniforms(Stream.SESSIONS, day=4, users=_USERS),
        Noise(seed=3).uniforms(Stream.RETURN, day=5, users=_USERS),
        Noise(seed=3).uniforms(Stream.RETURN, day=4, users=_USERS, slot=1),
        Noise(seed=3).uniforms(Stream.RETURN, day=4, users=_USERS + 1),
        Noise(seed=3).uniforms_at(Stream.RETURN, day=4, users=_USERS, columns=np.array([0]))[:, 0],
    ]

    for other in others:
        assert abs(np.corrcoef(base, other)[0, 1]) < 4 / np.sqrt(len(_USERS))
        joint = np.histogram2d(base, other, bins=8)[0]
        assert stats.chisquare(joint.ravel()).pvalue > 1e-4


@given(seed=st.integers(0, 1000), rows=st.integers(1, 40), width=st.integers(1, 64))
@settings(max_examples=30)
def test_products_of_numbers_on_the_grid_are_exact_in_any_order(seed: int, rows: int, width: int) -> None:
    """Against exact sums of fractions."""
    draw = np.random.default_rng(seed)
    one, other = (on_exact_grid(draw.normal(0, 2, (rows, width))) for _ in range(2))

    products = one @ other.T

    order = draw.permutation(width)
    assert np.array_equal(products, one[:, order] @ other[:, order].T)
    exact = sum(Fraction(a) * Fraction(b) for a, b in zip(one[0].tolist(), other[-1].tolist(), strict=True))
    assert Fraction(float(products[0, -1])) == exact


def test_normal_numbers_are_normal() -> None:
    """Kolmogorov and Smirnov find nothing."""
    numbers = Noise(seed=1).normals(Stream.SATISFACTION, day=0, users=_USERS)

    assert stats.kstest(numbers, "norm").pvalue > 1e-4


def test_each_arm_draws_from_chance_of_its_own() -> None:
    """And differently each time it is asked."""
    noise = Noise(seed=1)
    first = noise.generator(name="control", day=-3, slot=0, batch=0).random(5)

    assert (noise.generator(name="control", day=-3, slot=0, batch=0).random(5) == first).all()
    for other in (
        noise.generator(name="treatment", day=-3, slot=0, batch=0),
        noise.generator(name="control", day=-2, slot=0, batch=0),
        noise.generator(name="control", day=-3, slot=1, batch=0),
        noise.generator(name="control", day=-3, slot=0, batch=1),
        Noise(seed=2).generator(name="control", day=-3, slot=0, batch=0),
    ):
        assert not (other.random(5) == first).any()
