"""When a run says nothing about the service, whatever its figures."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.bench.load.test_gates import tally
from tests.bench.load.test_requests import FEED, job

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.gate_checks import check_gate, check_gates
from opsctl.bench.load.gates import parse_gate
from opsctl.bench.load.measured import Measured
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.ports import EngineResult
from opsctl.bench.load.sender_validity import objective_seconds
from opsctl.bench.load.summarise import Run, busiest_stretch, conclude, summarise
from opsctl.bench.load.tally import Outcome, Tally
from opsctl.bench.load.timeline import Timeline
from opsctl.bench.load.validity import Circumstances, WarmUpReport, problems_of
from opsctl.bench.load.words import verdict_sentence
from opsctl.core.findings import Finding, Severity
from opsctl.evidence.model import Verdict
from opsctl.vectors.state import SideState

REST = SideState(collection="content", status="green", is_idle=True, points=10, config_digest="a")


def quiet(total: Tally | None = None, **changes: Any) -> EngineResult:
    """Return a result with nothing wrong, and these changes."""
    made = total or tally([[1000.0] * 500 for _ in range(9)])
    result = EngineResult(total=made, seconds=9.0, cpu_cores=0.5, starved_share=0.0, resident_bytes=1)
    for name, value in changes.items():
        setattr(result, name, value)
    return result


def problems(result: EngineResult, *gates: str, **circumstances: Any) -> tuple[Finding, ...]:
    """Return the problems of a run."""
    return problems_of(
        job({"feed": FEED}),
        result,
        measured=Measured(total=result.total),
        gates=[parse_gate(gate) for gate in gates],
        checks=check_gates(Measured(total=result.total), [parse_gate(gate) for gate in gates]),
        circumstances=Circumstances(**circumstances),
    )


def codes(result: EngineResult, *gates: str, **circumstances: Any) -> list[str]:
    """Return the codes of the problems of a run."""
    return [problem.code for problem in problems(result, *gates, **circumstances)]


def severities(result: EngineResult, *gates: str) -> dict[str, Severity]:
    """Return how bad each problem of a run is."""
    return {problem.code: problem.severity for problem in problems(result, *gates)}


def test_a_quiet_run_is_valid():
    """Nothing is said where nothing is wrong."""
    assert codes(quiet(), "p99 < 500ms") == []


def test_a_late_sender_makes_a_run_invalid_by_the_smallest_time_that_a_gate_allows():
    """Sixty milliseconds are much of 500, and little of two seconds."""
    result = quiet()
    result.total.timings.generator_lag.record_many(np.full(4500, 60_000.0))
    assert codes(result, "p99 < 500ms") == ["BEN035"]
    assert codes(result, "p99 < 2s") == []
    assert codes(result) == []
    assert (
        objective_seconds([parse_gate("p99 > 1ms"), parse_gate("mean < 20ms"), parse_gate("p99 < 1s")])
        == 0.02
    )


def test_a_limit_of_the_sender_itself_is_no_objective_of_the_service():
    """A tenth of it would be asked of the sender."""
    assert objective_seconds([parse_gate("generator_lag.p99 < 5ms"), parse_gate("p99 < 500ms")]) == 0.5


def test_fewer_requests_than_planned_make_a_run_invalid_unless_it_was_ended():
    """A run that somebody ended sent less on purpose."""
    result = quiet()
    result.total.sent = 4000
    assert codes(result) == ["BEN036"]
    assert codes(replace(result, aborted="interrupted")) == []


def test_dropped_requests_starvation_and_lost_processes_make_a_run_invalid():
    """Each has its own reason."""
    dropping = quiet()
    dropping.total.outcomes[Outcome.DROPPED] = 1
    assert codes(dropping) == ["BEN037"]
    assert codes(quiet(starved_share=0.6)) == ["BEN038"]
    assert codes(quiet(errors=("process 1: killed",))) == ["BEN042"]
    assert codes(quiet(Tally())) == ["BEN042"]


def test_waits_for_a_cpu_make_a_run_invalid_where_they_made_the_sender_late():
    """Beside a service on the same cores short waits are usual; what they amount to is the lag."""
    late = quiet(starved_share=0.2)
    late.total.timings.generator_lag.record_many(np.full(4500, 6_000.0))
    assert severities(late, "p99 < 500ms") == {"BEN038": Severity.ERROR}
    assert severities(late, "p99 < 1s") == {"BEN038": Severity.WARNING}
    assert severities(quiet(starved_share=0.05), "p99 < 500ms") == {}


def test_a_cache_that_fills_while_it_is_measured_makes_a_run_invalid():
    """From half to nearly all hits between the first and the last third."""
    result = quiet()
    for second, block in result.total.blocks.items():
        hits = 250 if second < 3 else 450
        block.tiers = Counter({"HIT-L1": hits, "MISS": 500 - hits})
    assert codes(result) == ["BEN039"]
    for block in result.total.blocks.values():
        block.tiers = Counter({"HIT-L1": 470, "MISS": 30})
    assert codes(result) == []


def test_few_answers_that_differ_by_chance_do_not_make_a_run_invalid():
    """Sixty against fifty of a hundred may be chance."""
    result = quiet()
    for second, block in result.total.blocks.items():
        hits = 20 if second < 3 else 23
        block.tiers = Counter({"HIT-L1": hits, "MISS": 40 - hits})
    assert codes(result) == []


def test_a_failed_warm_up_makes_a_run_invalid():
    """What was to be warm is not."""
    assert codes(quiet(), warm_up=WarmUpReport(complaint="500 of 500 went wrong")) == ["BEN040"]


@pytest.mark.parametrize(
    "after",
    [
        replace(REST, status="yellow"),
        replace(REST, is_idle=False),
        replace(REST, points=11),
        replace(REST, config_digest="b"),
    ],
)
def test_a_collection_that_works_or_changes_makes_a_run_invalid(after):
    """An optimizer takes the time that searches would have."""
    assert codes(quiet(), before=[REST], after=[REST]) == []
    assert codes(quiet(), before=[REST], after=[after]) == ["BEN041"]


def test_too_few_requests_for_a_percentile_are_told_without_making_a_run_invalid():
    """The other gates still stand."""
    short = quiet(tally([[1000.0] * 100]))
    found = problems_of(
        job({"feed": FEED}),
        short,
        measured=Measured(total=short.total),
        gates=[],
        checks=check_gates(Measured(total=short.total), [parse_gate("p99 < 1s"), parse_gate("p50 < 1s")]),
        circumstances=Circumstances(),
    )
    assert [(each.code, each.severity) for each in found] == [("BEN043", Severity.WARNING)]
    assert "`p99 < 1s`" in found[0].title


def test_an_invalid_run_neither_passes_nor_fails():
    """Whatever its gates say."""
    checks = check_gates(
        Measured(total=tally([[1000.0] * 1000])), [parse_gate("p99 < 1us"), parse_gate("p99 < 1s")]
    )
    invalid = [Finding(code="BEN035", severity=Severity.ERROR, title="late")]
    assert conclude(checks, []) is Verdict.FAIL
    assert conclude(checks, invalid) is Verdict.INCONCLUSIVE
    assert conclude(checks[1:], []) is Verdict.PASS
    assert conclude(checks[1:], [], aborted="interrupted") is Verdict.INCONCLUSIVE
    assert conclude(checks, [], aborted="interrupted") is Verdict.FAIL


def test_a_gate_that_ended_the_run_is_missed_however_good_the_run_was_before():
    """Ten bad seconds after an hour of good ones are exit 1, and the report shows what was measured in them."""
    gate = "error_rate < 20%"
    one = job({"feed": FEED}, gates=["p99 < 500ms"], abort=[gate])
    bad = check_gate(
        Measured(total=tally([[1000.0] * 500 for _ in range(10)], errors=2500)),
        parse_gate(gate),
        is_abort=True,
    )
    report = summarise(
        Run(
            job=one,
            engine="opsctl",
            loop="open",
            result=quiet(aborted=f"`{gate}` was missed over the last ten seconds"),
            arrivals=ArrivalPlan(one.book.arrivals, seed=1),
            timeline=Timeline(),
            missed=(replace(bad, verdict=Verdict.FAIL),),
        )
    )
    assert report.verdict is Verdict.FAIL
    assert [(each.gate, each.value, each.is_abort) for each in report.gates][1:] == [(gate, 0.5, True)]


def test_a_rate_is_that_of_the_phase_with_most_requests():
    """A ramp before it does not count against the service."""
    phases = LoadBook.model_validate(
        {
            "mix": {"feed": FEED},
            "arrivals": [
                {"shape": "ramp", "start": 10, "end": 100, "duration": "3s"},
                {"shape": "constant", "rate": 100, "duration": "10s"},
            ],
        }
    ).arrivals
    plan = ArrivalPlan(phases, seed=1)
    assert busiest_stretch(plan, seconds=13.0) == (3.0, 13.0)
    assert busiest_stretch(plan, seconds=2.5) == (0.0, 2.5)
    assert busiest_stretch(plan, seconds=0.0) == (0.0, 0.0)


def test_a_second_in_which_a_phase_begins_or_ends_does_not_count_for_its_rate():
    """Half a second of the base would lower the rate of the peak, for which nobody is to blame."""
    phases = LoadBook.model_validate(
        {
            "mix": {"feed": FEED},
            "arrivals": [
                {
                    "shape": "spike",
                    "base": 2000,
                    "peak": 10_000,
                    "duration": "41s",
                    "peak_duration": "10s",
                }
            ],
        }
    ).arrivals
    plan = ArrivalPlan(phases, seed=1)
    assert busiest_stretch(plan, seconds=41.0) == (16.0, 25.0)
    assert busiest_stretch(plan, seconds=0.4) == (0.0, 0.4)


def test_a_report_names_the_rate_of_its_main_phase_not_the_mean_with_the_ramp_in_it():
    """That is the rate of which the load's name and its gate speak; a closed loop has none that was planned."""
    one = job(
        {"feed": FEED},
        arrivals=[
            {"shape": "ramp", "start": 10, "end": 100, "duration": "3s"},
            {"shape": "constant", "rate": 100, "duration": "6s"},
        ],
    )
    run = Run(
        job=one,
        engine="opsctl",
        loop="open",
        result=quiet(),
        arrivals=ArrivalPlan(one.book.arrivals, seed=1),
        timeline=Timeline(),
    )
    report = summarise(run)
    assert (report.main_rate, report.main_seconds, report.duration_seconds) == (100.0, 6.0, 9.0)
    assert verdict_sentence(report).startswith("100 requests/s for 6 s")
    assert verdict_sentence(summarise(replace(run, loop="closed"))).startswith("500 requests/s for 9 s")


def test_a_report_of_nothing_is_invalid_and_has_no_figures_out_of_thin_air():
    """No division by zero, no percentile of nothing."""
    one = job({"feed": FEED}, gates=["p99 < 1s"])
    report = summarise(
        Run(
            job=one,
            engine="opsctl",
            loop="open",
            result=EngineResult(
                total=Tally(), seconds=0.0, cpu_cores=0.0, starved_share=0.0, resident_bytes=0
            ),
            arrivals=ArrivalPlan(one.book.arrivals, seed=1),
            timeline=Timeline(),
        )
    )
    assert (report.verdict, report.is_valid) == (Verdict.INCONCLUSIVE, False)
    assert (report.error_rate, report.hit_ratio, report.response.estimates) == (0.0, None, ())
