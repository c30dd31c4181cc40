"""Gates say what must hold: how they are written, and when they pass, miss or cannot tell."""

import math
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.bench.load.gate_checks import check_gate, check_gates
from opsctl.bench.load.gates import parse_gate
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.measured import Measured
from opsctl.bench.load.model import Recall
from opsctl.bench.load.spread import spread_of
from opsctl.bench.load.tally import Block, Outcome, Tally
from opsctl.evidence.model import Verdict

np = pytest.importorskip("numpy")


def tally(
    seconds: "list[list[float]]",
    *,
    errors: int = 0,
    unfinished: int = 0,
    waited: float = 1000.0,
    outcome: Outcome = Outcome.UNFINISHED,
) -> Tally:
    """Return what was recorded when each second brought these response times in microseconds.

    `unfinished` more, evenly over the seconds, had no answer after `waited` microseconds.
    """
    each = unfinished // len(seconds)
    seconds = [[*times, *[waited] * each] for times in seconds]
    total = Tally()
    for second, times in enumerate(seconds):
        histogram = Histogram()
        histogram.record_many(np.array(times))
        total.blocks[second] = Block(planned=len(times), response=histogram)
        total.timings.response.merge(histogram)
        total.planned += len(times)
    total.sent = total.planned
    total.outcomes["ok"] = total.planned - errors - unfinished
    if errors:
        total.outcomes["reset"] = errors
        total.blocks[0].errors = errors
    if unfinished:
        total.outcomes[outcome] = unfinished
        total.timings.censored.record_many(np.full(unfinished, waited))
    return total


def verdict(text: str, measured: Measured) -> Verdict:
    """Return how one gate stands."""
    return check_gate(measured, parse_gate(text)).verdict


@pytest.mark.parametrize(
    ("text", "metric", "limit", "unit"),
    [
        ("p99 < 500ms", "p99", 0.5, "s"),
        ("p99.9<2s", "p99.9", 2.0, "s"),
        ("mean <= 800us", "mean", 0.0008, "s"),
        ("error_rate < 0.1%", "error_rate", 0.001, "share"),
        ("hit_ratio > 0.8", "hit_ratio", 0.8, "share"),
        ("recall >= 95 %", "recall", 0.95, "share"),
        ("rate >= 9900/s", "rate", 9900, "1/s"),
        ("goodput > 100", "goodput", 100, "1/s"),
        ("drops < 1", "drops", 1, ""),
    ],
)
def test_a_gate_is_a_metric_an_operator_and_a_limit(text, metric, limit, unit):
    """Each kind of metric has its unit."""
    gate = parse_gate(text)
    assert (gate.metric, gate.unit) == (metric, unit)
    assert math.isclose(gate.limit, limit)


def test_a_scope_before_the_metric_is_a_clock_a_tier_or_an_endpoint():
    """What stands before the point is told apart by its name."""
    assert parse_gate("service.p99 < 1s").clock == "service"
    assert parse_gate("L1.p99 < 1s").tier == "HIT-L1"
    assert parse_gate("hit_ratio.L2 > 10%").tier == "L2"
    assert parse_gate("feed.error_rate < 1%", endpoints=["feed"]).endpoint == "feed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p99 < 500", "a time needs its unit"),
        ("p(95) < 3ms", "did you mean `p95`?"),
        ("fed.p99 < 1ms", "did you mean `feed`?"),
        ("eror_rate < 1%", "did you mean `error_rate`?"),
        ("hit_ratio > 80", "did you mean `80%`?"),
        ("p99 == 3ms", "they are < <= > >="),
        ("500ms > p99", "the metric comes first"),
        ("p99 < nan", "is not a limit"),
        ("p99 < 1e999s", "is not a limit"),
        ("p99 < 9999999999999999ms", "is not a limit"),
        ("rate > 3ms", "does not belong here"),
        ("hit_ratio.L3 > 1%", "there are `L1`, `L2`, `STALE`"),
        ("recall.p99 < 1ms", "no endpoint, tier or clock"),
        ("", "is not a gate"),
        ("p99 < 500ms and more", "is not a gate"),
        ("p99 < \uff15ms", "is not a limit"),
        ("p99", "is not a gate"),
        ("p100 < 1s", "no metric is called"),
        ("p0 < 1s", "no metric is called"),
    ],
)
def test_what_is_no_gate_is_refused_with_how_to_write_it(text, said):
    """Nobody has to look into the documentation for a slip of the pen."""
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_gate(text, endpoints=["feed"])


@given(st.text(max_size=60))
def test_any_text_is_a_gate_or_refused_in_words(text):
    """Nothing else ever comes out of the parser."""
    with suppress(ValueError):
        assert math.isfinite(parse_gate(text, endpoints=["feed"]).limit)


def test_a_gate_passes_only_when_the_whole_interval_is_on_the_right_side():
    """Between pass and fail lies what the sample cannot tell."""
    random = np.random.default_rng(1)
    even = Measured(total=tally([list(random.exponential(10_000, 1000)) for _ in range(20)]))
    assert verdict("p99 < 100ms", even) is Verdict.PASS
    assert verdict("p99 < 10ms", even) is Verdict.FAIL
    assert verdict("p99 < 46ms", even) is Verdict.INCONCLUSIVE
    assert verdict("p99 >= 10ms", even) is Verdict.PASS


def test_a_quantile_that_the_sample_does_not_support_is_inconclusive_never_a_pass():
    """A hundred fast answers say nothing about p99."""
    few = Measured(total=tally([[100.0] * 100]))
    check = check_gate(few, parse_gate("p99 < 10s"))
    assert (check.verdict, check.value) == (Verdict.INCONCLUSIVE, None)


def test_one_slow_second_widens_the_interval_of_a_tail():
    """A thousand slow requests in one second are one event, not a thousand."""
    steady = [[1000.0] * 985 + [900_000.0] * 15 for _ in range(20)]
    burst = [[1000.0] * 1000 for _ in range(20)]
    burst[7] = [1000.0] * 700 + [900_000.0] * 300
    assert verdict("p99 < 500ms", Measured(total=tally(steady))) is Verdict.FAIL
    assert verdict("p99 < 500ms", Measured(total=tally(burst))) is Verdict.INCONCLUSIVE


def test_requests_that_never_ended_may_have_taken_for_ever():
    """A censored answer cannot make a tail pass."""
    clean = [[1000.0] * 1000 for _ in range(10)]
    assert verdict("p99 < 10ms", Measured(total=tally(clean))) is Verdict.PASS
    assert verdict("p99 < 10ms", Measured(total=tally(clean, unfinished=300))) is Verdict.INCONCLUSIVE
    assert verdict("max < 10ms", Measured(total=tally(clean, unfinished=10))) is Verdict.INCONCLUSIVE
    assert verdict("max < 10ms", Measured(total=tally(clean))) is Verdict.PASS


def test_a_request_without_an_answer_counts_once_however_long_it_was_waited_for():
    """Six in a thousand that waited ten seconds are six in a thousand slow ones, not twelve."""
    clean = [[1000.0] * 994 for _ in range(20)]
    some = Measured(total=tally(clean, unfinished=120, waited=10e6))
    assert verdict("p99 < 500ms", some) is Verdict.PASS
    assert verdict("p99.9 < 500ms", some) is Verdict.FAIL
    assert verdict("max < 5s", some) is Verdict.FAIL


def test_a_timeout_is_no_answer_within_a_limit_above_it():
    """Nobody knows how long the answer would have taken that was not waited for."""
    late = tally([[1000.0] * 970 for _ in range(20)], unfinished=600, waited=10e6, outcome=Outcome.TIMED_OUT)
    assert verdict("p99 < 12s", Measured(total=late)) is Verdict.INCONCLUSIVE
    assert verdict("max < 12s", Measured(total=late)) is Verdict.INCONCLUSIVE
    assert verdict("error_rate < 1%", Measured(total=late)) is not Verdict.PASS


def test_what_was_never_answered_says_nothing_of_the_sender():
    """A gate on the generator's own lag is judged by the lags alone."""
    total = tally([[1000.0] * 970 for _ in range(20)], unfinished=600)
    total.timings.generator_lag.record_many(np.full(20_000, 100.0))
    assert verdict("generator_lag.p99 < 5ms", Measured(total=total)) is Verdict.PASS


def test_no_error_among_few_requests_does_not_show_a_small_error_rate():
    """Wilson's interval knows how many there were."""
    assert verdict("error_rate < 0.1%", Measured(total=tally([[1.0] * 100]))) is Verdict.INCONCLUSIVE
    many = [[1.0] * 1000 for _ in range(10)]
    assert verdict("error_rate < 0.1%", Measured(total=tally(many))) is Verdict.PASS
    assert verdict("error_rate < 0.1%", Measured(total=tally(many, errors=20))) is Verdict.INCONCLUSIVE


def test_hits_are_counted_among_the_answers_that_came_as_far():
    """L2 is not asked for what L1 has."""
    total = tally([[1.0] * 1000])
    for tier, count in {"HIT-L1": 850, "STALE": 50, "HIT-L2": 80, "MISS": 20, "none": 500}.items():
        total.tiers[tier] = Histogram()
        total.tiers[tier].record_many(np.full(count, 100.0))
    measured = Measured(total=total)
    values = [
        check_gate(measured, parse_gate(f"{name} > 1%")).value for name in ("hit_ratio", "hit_ratio.L2")
    ]
    assert values == [0.9, 0.8]


def test_rates_recall_and_drops_are_judged_by_what_was_measured():
    """What was not measured is inconclusive."""
    recall = Recall(searches=100, limit=10, value=0.97, low=0.96, high=0.98, skipped=0)
    measured = Measured(total=tally([[1.0]]), rate=9950.0, recall=recall)
    gates = [parse_gate(text) for text in ("rate >= 9900/s", "recall >= 0.95", "drops < 1", "goodput > 1/s")]
    verdicts = [check.verdict for check in check_gates(measured, gates)]
    assert verdicts == [Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.INCONCLUSIVE]


def test_a_mean_has_an_interval_from_the_means_of_the_seconds():
    """Below ten seconds it has none."""
    random = np.random.default_rng(2)
    seconds = [list(random.exponential(10_000, 500)) for _ in range(30)]
    assert verdict("mean < 20ms", Measured(total=tally(seconds))) is Verdict.PASS
    assert verdict("mean < 5ms", Measured(total=tally(seconds))) is Verdict.FAIL
    assert verdict("mean < 20ms", Measured(total=tally(seconds[:5]))) is Verdict.INCONCLUSIVE


def test_independent_requests_have_a_spread_near_one_and_bursts_a_larger_one():
    """The effective number of requests shrinks only where seconds differ."""
    random = np.random.default_rng(3)
    even = [(int(random.binomial(1000, 0.01)), 1000) for _ in range(200)]
    bursts = [(300 if second % 20 == 0 else 0, 1000) for second in range(200)]
    assert spread_of(even) < 1.8
    assert spread_of(bursts) > 50


def test_intervals_of_independent_requests_cover_the_true_quantile():
    """95 of 100 runs or more hold it."""
    random = np.random.default_rng(4)
    truth = -math.log(0.01) * 0.01
    held = 0
    for _ in range(100):
        measured = Measured(total=tally([list(random.exponential(10_000, 400)) for _ in range(12)]))
        check = check_gate(measured, parse_gate("p99 < 1s"))
        held += check.low is not None and check.high is not None and check.low <= truth <= check.high
    assert held >= 93
