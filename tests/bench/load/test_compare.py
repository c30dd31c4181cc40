"""Two loads are called different where they are, the same where that is shown, and otherwise nobody can tell."""

import numpy as np
import pytest
from tests.bench.load.made_up import some_units

from opsctl.bench.load.compare import compare_units, conclude
from opsctl.bench.load.comparison import Pairing
from opsctl.bench.load.metrics import Metric
from opsctl.evidence.model import Verdict
from opsctl.vectors.statistics import Comparison

LATENCIES = (Metric.P50, Metric.P95)


def compared(first, second, *, metrics=tuple(Metric), noise_floor=0.05, pairing=Pairing.BY_PLAN):
    """Return the changes by metric."""
    changes = compare_units(first, second, noise_floor=noise_floor, pairing=pairing, metrics=metrics)
    return {change.metric: change for change in changes}


def a_pair(seed, *, seconds=60, slower=1.0, **options):
    """Draw two loads, the second one `slower` times as slow."""
    random = np.random.default_rng(seed)
    return (
        some_units(random, seconds=seconds, **options),
        some_units(random, seconds=seconds, middle=0.002 * slower, **options),
    )


@pytest.mark.slow
def test_equal_loads_are_hardly_ever_called_different():
    """Of 30 A/A pairs with neighbours that resemble each other, at most 5 % in any metric, with hardly any floor."""
    called = 0
    for seed in range(30):
        first, second = a_pair(seed, rate=60, drift=0.2, correlation=0.6)
        found = compared(
            first, second, metrics=LATENCIES, noise_floor=0.001, pairing=tuple(Pairing)[seed % 2]
        )
        called += any(each.verdict in (Comparison.BETTER, Comparison.WORSE) for each in found.values())

    assert called <= 2


def test_a_fifth_slower_is_found_with_the_time_that_it_said_it_needs():
    """Short loads cannot tell and say how long they must be; at that length the change is found, nearly always."""
    asked, found = 0, 0
    for seed in range(8):
        first, second = a_pair(seed, seconds=20, rate=40, slower=1.2, drift=0.08, correlation=0.3)
        short = compared(first, second, metrics=[Metric.P50])[Metric.P50]
        if short.verdict is Comparison.WORSE:
            continue
        seconds = int(short.seconds_needed) + 1
        assert seconds < 3000
        longer = a_pair(100 + seed, seconds=seconds, rate=40, slower=1.2, drift=0.08, correlation=0.3)
        asked += 1
        found += compared(*longer, metrics=[Metric.P50])[Metric.P50].verdict is Comparison.WORSE

    assert asked >= 2
    assert found >= asked - 1


@pytest.mark.parametrize(
    ("slower", "word", "verdict"),
    [
        (1.3, Comparison.WORSE, Verdict.FAIL),
        (0.75, Comparison.BETTER, Verdict.PASS),
        (1.0, Comparison.SAME, Verdict.PASS),
    ],
)
def test_a_calm_load_is_judged(slower, word, verdict):
    """30 % slower, 25 % faster, the same; the change is told with its interval around it."""
    found = compared(*a_pair(3, slower=slower, rate=400, drift=0.01), metrics=LATENCIES)
    median = found[Metric.P50]

    assert (median.verdict, found[Metric.P95].verdict) == (word, word)
    assert median.low <= slower - 1 <= median.high
    assert median.second / median.first == pytest.approx(1 + median.change)
    assert conclude(list(found.values())) is verdict


def test_what_a_short_load_cannot_tell_is_not_a_pass():
    """Nine seconds are no ten blocks; it says how many seconds would do."""
    found = compared(*a_pair(1, seconds=9), metrics=[Metric.P50])

    assert found[Metric.P50].verdict is Comparison.CANNOT_TELL
    assert found[Metric.P50].seconds_needed >= 10
    assert conclude(list(found.values())) is Verdict.INCONCLUSIVE
    assert conclude([]) is Verdict.INCONCLUSIVE


def test_blocks_are_as_long_as_their_quantile_needs():
    """A second of 100 requests carries a median, not a p99."""
    found = compared(*a_pair(1, seconds=100, rate=100), metrics=[Metric.P50, Metric.P99])

    assert found[Metric.P50].block_seconds < found[Metric.P99].block_seconds == 5


def test_the_ups_and_downs_of_a_plan_are_no_noise():
    """On a ramp whose last seconds are ten times as slow, pairs of seconds show 20 %; apart, nobody could tell."""
    random = np.random.default_rng(4)
    loads = [
        [
            unit
            for second in range(60)
            for unit in some_units(
                random, seconds=1, rate=100, middle=0.002 * slower * 10 ** (second / 60), drift=0.0
            )
        ]
        for slower in (1.0, 1.2)
    ]

    paired = compared(*loads, metrics=[Metric.P50])[Metric.P50]
    apart = compared(*loads, metrics=[Metric.P50], pairing=Pairing.APART)[Metric.P50]

    assert paired.high - paired.low < (apart.high - apart.low) / 2
    assert apart.verdict is Comparison.CANNOT_TELL


def test_more_errors_are_worse_and_no_error_twice_is_the_same_only_in_many_requests():
    """A tenth of a point is the least that is claimed, and 1,200 requests without an error do not show it."""
    random = np.random.default_rng(6)
    few, more = (some_units(random, errors=share) for share in (0.0, 0.03))
    short = [some_units(random, seconds=60, rate=20) for _ in range(2)]
    long = [some_units(random, seconds=60, rate=400) for _ in range(2)]

    assert compared(few, more, metrics=[Metric.ERROR_RATE])[Metric.ERROR_RATE].verdict is Comparison.WORSE
    assert compared(*short, metrics=[Metric.ERROR_RATE])[Metric.ERROR_RATE].verdict is Comparison.CANNOT_TELL
    assert compared(*long, metrics=[Metric.ERROR_RATE])[Metric.ERROR_RATE].verdict is Comparison.SAME


def test_fewer_hits_and_a_lower_rate_are_worse():
    """More is better for both."""
    random = np.random.default_rng(7)
    before, after = some_units(random, hits=0.9), some_units(random, hits=0.7, rate=150)
    found = compared(before, after, metrics=[Metric.HIT_RATIO, Metric.RATE])

    assert {metric: each.verdict for metric, each in found.items()} == {
        Metric.HIT_RATIO: Comparison.WORSE,
        Metric.RATE: Comparison.WORSE,
    }
    assert found[Metric.HIT_RATIO].change == pytest.approx(-0.2, abs=0.02)


def test_a_hit_ratio_that_only_one_side_names_is_left_out():
    """Nothing is compared with nothing."""
    random = np.random.default_rng(8)
    silent = some_units(random, rate=0)

    assert Metric.HIT_RATIO not in compared(some_units(random), silent)


def test_loads_without_an_answer_cannot_be_told():
    """No division, no error, no pass."""
    silent = some_units(np.random.default_rng(9), rate=0)
    found = compared(silent, silent)

    assert {each.verdict for each in found.values()} == {Comparison.CANNOT_TELL}


def test_a_restless_load_raises_its_own_floor():
    """What differs between its own odd and even blocks is not claimed as a change."""
    random = np.random.default_rng(10)
    restless = [
        unit
        for second in range(60)
        for unit in some_units(random, seconds=1, middle=0.003 if second % 2 else 0.002, drift=0.0)
    ]

    assert compared(restless, restless, metrics=[Metric.P50])[Metric.P50].floor > 0.3
