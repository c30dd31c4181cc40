"""What a target needs follows from what a request cost, and from how workers add up."""

from collections.abc import Sequence

import pytest
from tests.bench.capacity.test_usl import points_of

from opsctl.bench.capacity.conclude import conclude
from opsctl.bench.capacity.evidence import capacity_evidence
from opsctl.bench.capacity.model import CapacityReport, Need, Reading, Target, Use, WorkersResult
from opsctl.bench.capacity.need import need_of, use_between
from opsctl.bench.capacity.reading import counters_of
from opsctl.bench.capacity.search import Answer, Capacity, End, Step
from opsctl.bench.capacity.usl import Efficiency, Fitted, ScalabilityLaw, efficiency, fit_law, rate_of
from opsctl.clients.exposition import parse_samples
from opsctl.core.clock import SystemClock
from opsctl.evidence.model import Verdict, canonical_json
from opsctl.ui.show_capacity import plain_capacity, show_capacity

MIB = 1024**2
BEFORE = Reading(
    seconds=0.0,
    cpu_seconds={"service": 10.0, "postgres": 5.0},
    memory_bytes={"service": 100 * MIB},
    counters={
        "requests": 0.0,
        "l2_operations": 100.0,
        "vector_searches": 50.0,
        "l1_bytes": 0.0,
        "l1_entries": 0.0,
    },
)
AFTER = Reading(
    seconds=10.0,
    cpu_seconds={"service": 15.0, "postgres": 5.5},
    memory_bytes={"service": 120 * MIB, "postgres": 80 * MIB},
    counters={
        "requests": 10_000,
        "l2_operations": 2_100.0,
        "vector_searches": 550.0,
        "l1_bytes": 4e6,
        "l1_entries": 1000.0,
    },
)


def used_between(first: Reading, second: Reading, *, requests: int, hit_ratio: float | None) -> Use:
    """Return what was used where the readings tell it."""
    found = use_between(first, second, requests=requests, hit_ratio=hit_ratio)
    assert found is not None
    return found


def needed(
    target: Target,
    *,
    results: Sequence[WorkersResult],
    law: ScalabilityLaw | None = None,
    efficiency: Efficiency | None = None,
) -> Need:
    """Return the need where some rate held."""
    found = need_of(target, results=results, law=law, efficiency=efficiency)
    assert found is not None
    return found


USE = used_between(BEFORE, AFTER, requests=10_000, hit_ratio=0.85)


def a_result(workers, passed, failed, *, use=USE, end=End.FOUND):
    """Make the result of a search."""
    capacity = Capacity(
        passed=passed,
        failed=failed,
        sender_limit=None,
        end=end,
        is_monotone=True,
        steps=(Step(rate=passed or 1.0, answer=Answer.PASSED),),
    )
    return WorkersResult(workers=workers, capacity=capacity, steps=(), use=use)


def test_the_use_of_a_request_is_what_grew_in_between():
    """CPU by part, operations by counter, and the bytes of a feed in L1."""
    assert USE.rate == 1000
    assert USE.cpu_seconds_per_request == {"service": 0.0005, "postgres": 0.00005}
    assert USE.operations_per_request == {"l2_operations": 0.2, "vector_searches": 0.05}
    assert USE.l1_bytes_per_entry == 4000


def test_what_cannot_be_read_is_not_made_up():
    """No requests, nothing readable, a part that began anew."""
    assert use_between(BEFORE, AFTER, requests=0, hit_ratio=None) is None
    assert use_between(Reading(seconds=0.0), Reading(seconds=1.0), requests=5, hit_ratio=None) is None
    assert use_between(AFTER, BEFORE, requests=5, hit_ratio=None) is None
    anew = Reading(seconds=20.0, cpu_seconds={"service": 1.0})
    assert used_between(AFTER, anew, requests=5, hit_ratio=None).cpu_seconds_per_request == {}


def test_a_search_in_which_no_rate_failed_gives_no_number_of_workers():
    """2,000 a second held and nothing more was tried: a worker may hold ten times as much."""
    need = needed(Target(), results=[a_result(1, 2000.0, None)])

    assert (need.workers, need.workers_most) == (None, None)
    assert "no rate failed" in need.notes[0]


def test_one_worker_count_gives_a_proportion_and_says_so():
    """2,000 a second of one worker, 10,000 with 30 % headroom: 8 workers; 0.55 ms CPU a request: 7.9 cores."""
    need = needed(Target(), results=[a_result(1, 2000.0, 2100.0)])

    assert (need.workers, need.workers_most, need.basis) == (8, None, "proportion")
    assert need.cores == pytest.approx(0.00055 * 10_000 / 0.7)
    assert need.l2_operations_per_second == pytest.approx(2000)
    assert need.vector_searches_per_second == pytest.approx(500)
    assert need.database_queries_per_second is None
    assert need.memory_bytes == pytest.approx(8 * (120 * MIB + 9_000 * 4000) + 80 * MIB)
    assert "in proportion" in need.notes[0]


def test_two_worker_counts_use_what_they_lost():
    """80 % of perfect growth costs a quarter more workers."""
    ratio = efficiency(points_of((2000.0, 0.25, 0.0), (1, 2)))
    need = needed(Target(), results=[a_result(2, 3200.0, 3300.0)], efficiency=ratio)

    assert need.basis == "efficiency"
    assert need.workers == 12  # 14,286 / 3,200 x 2 / 0.8
    assert need.workers_most is not None
    assert need.workers_most >= need.workers


def test_three_worker_counts_use_the_law_and_its_peak():
    """Contention makes it more than the proportion; beyond the peak more machines are needed."""
    law = fit_law(points_of((2000.0, 0.02, 0.0), (1, 2, 4, 8)), resamples=100)
    results = [a_result(4, 7500.0, 7600.0)]

    need = needed(Target(), results=results, law=law)
    assert (need.basis, need.workers) == ("law", law.workers_for(10_000 / 0.7))
    assert need.workers is not None
    assert need.workers_most is not None
    assert need.workers_most >= need.workers > 7

    low_peak = fit_law(points_of((2000.0, 0.3, 0.05), (1, 2, 4)), resamples=100)
    beyond = needed(Target(), results=results, law=low_peak)
    assert beyond.workers is None
    assert "more machines are needed" in beyond.notes[0]


def test_the_most_workers_hold_the_rate_at_the_worst_end_of_the_law():
    """Throughput grows less than workers do, so twice the rate needs more than twice the workers."""
    law = law_between((950.0, 1000.0, 1050.0), (0.0, 0.03, 0.06), (0.0, 0.0001, 0.0005))

    need = needed(Target(rate=4200), results=[a_result(4, 3150.0, 3300.0)], law=law)

    assert need.workers is not None
    assert need.workers_most is not None
    worst = (950.0, 0.06, 0.0005)
    assert rate_of(worst, need.workers_most) >= 6000 > rate_of(worst, need.workers_most - 1)
    assert need.notes == ()


def test_where_the_worst_end_never_holds_the_rate_there_is_no_most():
    """It says so, in place of a number that would not do."""
    law = law_between((950.0, 1000.0, 1050.0), (0.0, 0.03, 0.1), (0.0, 0.0001, 0.01))

    need = needed(Target(rate=4200), results=[a_result(4, 3150.0, 3300.0)], law=law)

    assert need.workers is not None
    assert need.workers_most is None
    assert "no number of workers" in need.notes[0]


def law_between(
    rate: tuple[float, float, float],
    contention: tuple[float, float, float],
    coherency: tuple[float, float, float],
) -> ScalabilityLaw:
    """Return a law of which each parameter has (low, value, high)."""
    rate_of_one, sigma, kappa = (
        Fitted(low=low, value=value, high=high) for low, value, high in (rate, contention, coherency)
    )
    return ScalabilityLaw(
        rate_of_one=rate_of_one,
        contention=sigma,
        coherency=kappa,
        peak_workers=None,
        peak_low=None,
        residual=0.0,
    )


def test_what_was_measured_already_needs_no_law():
    """A target below what the most workers held."""
    need = needed(Target(rate=1000), results=[a_result(2, 4000.0, 4100.0)])

    assert (need.workers, need.workers_most, need.basis) == (1, 2, "measured")


def test_nothing_held_nothing_is_needed():
    """Where no rate held, nothing can be said."""
    nothing = a_result(1, None, 10.0, use=None, end=End.FLOOR)

    assert need_of(Target(), results=[nothing], law=None, efficiency=None) is None
    assert conclude([nothing], target=Target()).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        (End.FOUND, Verdict.PASS),
        (End.CEILING, Verdict.PASS),
        (End.SENDER, Verdict.INCONCLUSIVE),
        (End.TIME, Verdict.INCONCLUSIVE),
        (End.FLOOR, Verdict.FAIL),
        (End.UNSURE, Verdict.INCONCLUSIVE),
    ],
)
def test_only_a_found_edge_is_a_pass(end, verdict):
    """What the sender or the budget cut short is inconclusive."""
    assert conclude([a_result(1, 100.0, 105.0, end=end)], target=Target()).verdict is verdict


def test_the_counters_are_summed_over_workers_and_kinds():
    """Other tiers and broken lines do not count."""
    text = """# HELP x
ranking_requests_total{route="feed",status="2xx"} 10
ranking_requests_total{route="other",status="2xx"} 5
ranking_cache_lookups_total{tier="l2",kind="feed",outcome="hit"} 3
ranking_cache_lookups_total{tier="l1",kind="feed",outcome="hit"} 99
ranking_vector_search_duration_seconds_count{path="derived"} 7
ranking_cache_bytes{tier="l1",kind="feed"} 1.5e3
broken{ 1
ranking_requests_total nonsense
"""
    counters = counters_of(parse_samples(text))

    assert (counters["requests"], counters["l2_operations"], counters["vector_searches"]) == (15, 3, 7)
    assert (counters["l1_bytes"], counters["model_calls"]) == (1500, 0)
    assert counters_of(parse_samples("")) == {}


def test_the_evidence_is_plain_and_its_names_carry_units(capsys):
    """It can be kept in the ledger, shown, and printed as JSON."""
    results = (a_result(1, 2000.0, 2100.0), a_result(2, 3700.0, 3900.0), a_result(4, 6600.0, 7000.0))
    found = conclude(results, target=Target())
    report = CapacityReport(
        load="standard",
        target_url="http://127.0.0.1:1",
        gates=("p99 < 500ms",),
        results=results,
        law=found.law,
        efficiency=found.efficiency,
        need=found.need,
        plan_digest="0" * 64,
        fingerprint={"machine.python": "3"},
        git_commit=None,
        duration_seconds=60.0,
        simulated=(),
        verdict=found.verdict,
    )
    figures = capacity_evidence(report, started_at=SystemClock().now()).figures
    show_capacity(report)

    assert found.law is not None
    assert canonical_json(dict(figures))
    assert figures["need_requests_per_second"] == 10_000
    assert figures["workers_4_passed_requests_per_second"] == 6600
    assert figures["need_vector_searches_per_second"] == pytest.approx(500)
    law = plain_capacity(report)["law"]
    assert isinstance(law, dict)
    assert "resamples" not in law
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("headroom", "contention", "vector searches"))
