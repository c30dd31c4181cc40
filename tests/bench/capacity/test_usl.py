"""The law is recovered from what it made, and nothing is fitted to fewer than three worker counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.bench.capacity.usl import Throughput, efficiency, fit_law, rate_of
from opsctl.core.errors import InconclusiveError


def points_of(parameters, counts, *, noise=None, width=0.02):
    """Return throughputs that follow the law."""
    points = []
    for count in counts:
        rate = rate_of(parameters, count) * (1.0 if noise is None else float(np.exp(noise.normal(0, 0.01))))
        points.append(Throughput(workers=count, rate=rate, low=rate * (1 - width), high=rate * (1 + width)))
    return points


@given(st.floats(10, 50_000), st.floats(0, 0.4), st.floats(0, 0.02))
@settings(max_examples=60, deadline=None)
def test_the_parameters_come_back(rate, contention, coherency):
    """From exact throughputs of six worker counts."""
    law = fit_law(points_of((rate, contention, coherency), (1, 2, 4, 8, 16, 32), width=0.0), resamples=5)

    assert law.rate_of_one.value == pytest.approx(rate, rel=1e-6)
    assert law.contention.value == pytest.approx(contention, abs=1e-6)
    assert law.coherency.value == pytest.approx(coherency, abs=1e-6)


def test_gunthers_example_of_a_web_cache_has_its_peak_where_it_should():
    """With 5 % contention and 0.2 % coherency the peak is at sqrt(0.95 / 0.002), about 22 workers."""
    law = fit_law(points_of((1000.0, 0.05, 0.002), (1, 2, 4, 8, 16)), resamples=200)

    assert law.peak_workers == pytest.approx(np.sqrt(0.95 / 0.002))
    assert law.workers_for(3000) == 4
    assert rate_of((1000.0, 0.05, 0.002), 3) < 3000 <= rate_of((1000.0, 0.05, 0.002), 4)
    assert law.workers_for(1_000_000) is None


@pytest.mark.slow
def test_intervals_hold_the_truth_when_the_points_are_noisy():
    """In 17 of 20 draws at least."""
    random, held = np.random.default_rng(1), 0
    for _ in range(20):
        law = fit_law(points_of((1000.0, 0.05, 0.001), (1, 2, 3, 4, 6, 8), noise=random), resamples=200)
        held += law.contention.low <= 0.05 <= law.contention.high

    assert held >= 17


def test_more_than_perfect_growth_gives_no_negative_contention():
    """Noise may make it look so; the bounds hold."""
    points = [Throughput(workers=n, rate=1000 * n**1.1, low=900 * n, high=1400 * n) for n in (1, 2, 4)]
    law = fit_law(points, resamples=50)

    assert (law.contention.value, law.coherency.value, law.peak_workers) == (0.0, 0.0, None)
    enough = law.workers_for(10_000)
    assert enough is not None
    assert enough >= 8


@pytest.mark.parametrize("counts", [(1,), (1, 2), (2, 2, 2)])
def test_fewer_than_three_counts_are_refused(counts):
    """Whatever number of points they have."""
    with pytest.raises(InconclusiveError) as error:
        fit_law(points_of((1000.0, 0.0, 0.0), counts))

    assert error.value.code == "BEN071"


def test_two_counts_tell_an_efficiency():
    """And one count tells nothing."""
    two = efficiency(points_of((1000.0, 0.25, 0.0), (1, 2)))

    assert two is not None
    assert two.ratio == pytest.approx(0.8)
    assert two.low < 0.8 < two.high
    assert efficiency(points_of((1000.0, 0.0, 0.0), (2, 2))) is None


@pytest.mark.parametrize(("rate", "low", "high"), [(0, 0, 1), (-1, -2, 1), (5, 6, 7)])
def test_impossible_throughputs_are_refused(rate, low, high):
    """A rate of zero, a negative one, one outside its bounds."""
    points = [Throughput(workers=n, rate=rate, low=low, high=high) for n in (1, 2, 3)]

    with pytest.raises(ValueError, match="above 0"):
        fit_law(points)
