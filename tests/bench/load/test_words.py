"""What a run says in words: an invalid one never holds or misses, and every error has a hint."""

from dataclasses import replace

import pytest
from tests.bench.load.reports import a_gate, a_report, empty, holding, invalid, missing, summarised

from opsctl.bench.load.tally import Outcome
from opsctl.bench.load.words import (
    OUTCOME_HINTS,
    Standing,
    interval_text,
    missing_reason,
    next_steps,
    objective_seconds,
    standing_of,
    verdict_sentence,
)
from opsctl.core.findings import Finding, Severity
from opsctl.evidence.model import Verdict


@pytest.mark.parametrize(
    ("report", "standing"),
    [
        (holding(), Standing.HOLDS),
        (missing(), Standing.MISSES),
        (invalid(), Standing.INVALID),
        (empty(), Standing.CANNOT_TELL),
        (a_report(rate=50, seconds=5), Standing.MEASURED),
        (summarised(), Standing.HOLDS),
        (summarised(gates=("p99 < 15ms",)), Standing.MISSES),
    ],
    ids=["holds", "misses", "invalid", "empty", "no gates", "real summary", "real summary that misses"],
)
def test_a_run_stands_where_its_verdict_says(report, standing):
    """From the verdict and the problems, not from the gates alone."""
    assert standing_of(report) is standing
    assert verdict_sentence(report)
    assert all(step.strip() for step in next_steps(report))


def test_a_miss_names_the_gates_and_why_the_run_ended_early():
    """Whoever reads one line knows what was missed."""
    sentence = verdict_sentence(missing(aborted="interrupted"))

    assert "1 of 3 gates" in sentence
    assert sentence.endswith("p99 < 100ms; ended early: interrupted")


def test_a_sender_that_was_too_slow_leads_to_a_run_that_it_can_send():
    """As many requests, at half the rate: fewer would be too few for the gates."""
    slow = Finding(code="BEN035", severity=Severity.ERROR, title="the sender was late", fix="end other work")
    (*_, step) = next_steps(invalid(problems=(slow,), main_rate=250.0, duration_seconds=20.0))

    assert step == "or send as many in twice the time: `opsctl bench load standard --rate 125 --duration 40s`"


def test_every_error_has_a_hint():
    """A new outcome without one would be shown without help."""
    assert set(OUTCOME_HINTS) == set(Outcome) - {Outcome.OK}


def test_the_objective_is_the_smallest_percentile_of_the_whole_run():
    """A gate on one endpoint or on an error rate draws no line."""
    gates = (
        a_gate("p99 < 500ms", value=0.1, limit=0.5),
        a_gate("p50 < 20ms", value=0.1, limit=0.02),
        a_gate("feed.p99 < 1ms", value=0.1, limit=0.001),
        a_gate("error_rate < 0.1%", value=0.0, limit=0.001, unit="share"),
    )

    assert objective_seconds(holding(gates=gates)) == ("p50 < 20ms", 0.02)
    assert objective_seconds(a_report(rate=1, seconds=1)) is None


def test_an_interval_without_an_end_is_said_so():
    """Unfinished requests may have taken any time."""
    gate = a_gate(value=0.2, limit=0.5)

    assert interval_text(gate) == "192 ms to 208 ms"
    assert interval_text(replace(gate, high=None)) == "192 ms or more"
    assert interval_text(a_gate(value=None, limit=0.5, verdict=Verdict.INCONCLUSIVE)) == "-"


def test_a_missing_percentile_says_why():
    """Too few answers, or enough of them and too uneven."""
    few, many = a_report(rate=10, seconds=2).response, a_report(rate=400, seconds=2).response

    assert missing_reason(few, 0.99) == "n>=368"
    assert missing_reason(many, 0.99) == "too uneven"
