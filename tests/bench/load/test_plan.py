import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.plan import ArrivalPlan, RecordedArrivals

RATES = st.floats(0.5, 3000)
DURATIONS = st.integers(1, 3000).map(lambda milliseconds: f"{milliseconds}ms")

PHASES = st.one_of(
    st.builds(
        lambda shape, rate, duration: {"shape": shape, "rate": rate, "duration": duration},
        st.sampled_from(["constant", "poisson", "soak"]),
        RATES,
        DURATIONS,
    ),
    st.builds(
        lambda start, end, duration: {"shape": "ramp", "start": start, "end": end, "duration": duration},
        RATES,
        RATES,
        DURATIONS,
    ),
    st.builds(
        lambda base, peak: {"shape": "spike", "base": base, "peak": peak, "duration": "900ms", "peak_duration": "300ms"},
        RATES,
        RATES,
    ),
    st.builds(
        lambda start, end, steps: {
            "shape": "stairs", "start": start, "end": end, "steps": steps, "step_duration": "200ms"
        },
        RATES,
        RATES,
        st.integers(2, 9),
    ),
)  # fmt: skip


def plan_of(*phases: dict[str, Any], seed: int = 1) -> ArrivalPlan:
    """Return the plan of phases as a book writes them."""
    book = LoadBook.model_validate({"mix": {"feed": {"share": 1, "path": "/"}}, "arrivals": list(phases)})
    return ArrivalPlan(book.arrivals, seed=seed)


def times_of(plan: ArrivalPlan) -> np.ndarray:
    """Return all times of a plan."""
    return np.concatenate([np.empty(0), *(times for _, times in plan.chunks())])


@settings(max_examples=50, deadline=None)
@given(phases=st.lists(PHASES, min_size=1, max_size=4), of=st.integers(1, 7), seed=st.integers(0, 9))
def test_the_shares_of_any_number_of_processes_are_exactly_the_plan(
    phases: list[dict[str, Any]], of: int, seed: int
) -> None:
    """No arrival is lost or sent twice, whatever the number of processes, and times never go back."""
    plan = plan_of(*phases, seed=seed)
    whole = times_of(plan)

    shares = [list(plan.share(process, of=of)) for process in range(of)]

    found = sorted(
        (int(number), float(at)) for share in shares for numbers, times in share for number, at in zip(numbers, times, strict=True)
    )  # fmt: skip
    assert [number for number, _ in found] == list(range(whole.size))
    assert [at for _, at in found] == whole.tolist()
    assert (np.diff(whole) >= 0).all()
    assert not whole.size or (whole[0] >= 0 and whole[-1] < plan.seconds)


@settings(max_examples=50, deadline=None)
@given(phases=st.lists(PHASES, min_size=1, max_size=4))
def test_even_arrivals_follow_the_integral_of_the_rate(phases: list[dict[str, Any]]) -> None:
    """At every moment as many have come as the rates up to then ask for, within one."""
    even = [phase for phase in phases if phase["shape"] not in ("poisson", "soak")]
    if not even:
        return
    plan = plan_of(*even)
    times = times_of(plan)

    for part in np.linspace(0, plan.seconds, 23):
        expected = sum(
            (min(part, segment.end) - segment.begin) * (segment.rate_begin + segment.rate_at(min(part, segment.end))) / 2
            for segment in plan.segments
            if part > segment.begin
        )  # fmt: skip
        assert abs(int((times <= part).sum()) - expected) <= 1 + 1e-6


def test_a_constant_rate_is_evenly_spaced() -> None:
    """The known case, by hand."""
    plan = plan_of({"shape": "constant", "rate": 4, "duration": "1s"})

    assert times_of(plan).tolist() == [0.0, 0.25, 0.5, 0.75]


def test_a_ramp_comes_faster_and_faster() -> None:
    """From 0.5 to 3.5 a second in two seconds: the integral 0.5 t + 0.75 t**2 is 1 at (sqrt(13) - 1) / 3."""
    times = times_of(plan_of({"shape": "ramp", "start": 0.5, "end": 3.5, "duration": "2s"}))

    assert times.size == 4
    assert times[1] == pytest.approx((math.sqrt(13) - 1) / 3)


def test_random_arrivals_have_exponential_distances() -> None:
    """Poisson: mean 1 / rate, and as much spread; each second is independent of its neighbour."""
    times = times_of(plan_of({"shape": "poisson", "rate": 1000, "duration": "60s"}))
    gaps = np.diff(times)

    assert times.size == pytest.approx(60_000, abs=5 * math.sqrt(60_000))
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)
    assert np.quantile(gaps, 0.9) == pytest.approx(math.log(10) / 1000, rel=0.03)
    per_second = np.bincount(times.astype(int), minlength=60)
    assert 0.5 < per_second.var() / per_second.mean() < 1.7
    assert abs(np.corrcoef(per_second[:-1], per_second[1:])[0, 1]) < 0.4


def test_the_same_seed_is_the_same_plan_and_another_is_not() -> None:
    """Times and digest both follow from phases and seed alone."""
    phase = {"shape": "poisson", "rate": 100, "duration": "2s"}

    assert (times_of(plan_of(phase)) == times_of(plan_of(phase))).all()
    assert plan_of(phase).digest == plan_of(phase).digest
    assert plan_of(phase, seed=2).digest != plan_of(phase).digest
    assert plan_of(phase | {"rate": 101}).digest != plan_of(phase).digest
    assert times_of(plan_of(phase, seed=2))[0] != times_of(plan_of(phase))[0]


def test_a_week_is_planned_piece_by_piece() -> None:
    """The first pieces of six billion arrivals come at once."""
    plan = plan_of({"shape": "soak", "rate": 10_000, "duration": "7d"})

    pieces = list(itertools.islice(plan.share(3, of=5), 10))

    assert plan.seconds == 7 * 24 * 3600
    assert max(times.size for _, times in pieces) < 10_000


def test_a_moment_has_a_rate_and_a_phase_in_words() -> None:
    """Whoever watches a run is told where in the plan it is."""
    plan = plan_of(
        {"shape": "spike", "base": 10, "peak": 50, "duration": "4s", "peak_duration": "2s"},
        {"shape": "breakpoint", "start": 100, "end": 300, "steps": 3, "step_duration": "1s"},
        {"shape": "ramp", "start": 0.5, "end": 10.5, "duration": "10s"},
    )

    assert [plan.rate_at(second) for second in (0.5, 1.5, 3.5, 4.5, 5.5, 6.5, 12.0)] == [
        10,
        50,
        10,
        100,
        200,
        300,
        5.5,
    ]
    assert plan.rate_at(17.0) == plan.rate_at(-1) == 0
    assert plan.phase_at(1.5) == "spike, peak 50/s"
    assert plan.phase_at(5.0) == "breakpoint 2 of 3, 200/s"
    assert plan.phase_at(99) == "ramp 0.5 to 10.5/s"


def test_recorded_times_are_shared_as_planned_ones_are() -> None:
    """A replayed log has its own times."""
    recorded = RecordedArrivals([0.0, 0.5, 0.5, 2.0])

    shares = [[numbers.tolist() for numbers, _ in recorded.share(process, of=3)] for process in range(3)]

    assert shares == [[[0, 3]], [[1]], [[2]]]
    assert recorded.rate_at(0.7) == 3
    assert 2.0 < recorded.seconds < 2.1
    for wrong in ([], [1.0, 0.5], [-1.0]):
        with pytest.raises(ValueError, match="ascending"):
            RecordedArrivals(wrong)
