"""What of a load the checklist reads: who asked, how fast, how well, and which book it was."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.bench.load.reports import holding

from opsctl.bench.load.model import GateCheck
from opsctl.bench.load.record import load_evidence
from opsctl.evidence.model import Evidence, Verdict

RATE = GateCheck(
    gate="rate >= 9900/s",
    metric="rate",
    limit=9900.0,
    value=9987.654,
    low=None,
    high=None,
    unit="1/s",
    verdict=Verdict.PASS,
)


def evidence(**changes: Any) -> Evidence:
    """Return the evidence of a load with changes."""
    return load_evidence(
        replace(holding(), **changes), run_id="r", started_at=datetime(2026, 11, 29, tzinfo=UTC)
    )


def test_the_checklist_finds_users_rate_availability_and_what_was_simulated():
    """Each under a name of its own."""
    found = evidence(
        gates=(RATE, replace(RATE, is_abort=True, value=1.0)),
        error_rate=0.0004,
        simulated=("model",),
        extra={"warm_up": {"users": 10_000}},
    )

    wanted = ("users", "busiest_rate", "availability", "error_rate")
    assert [found.figures[name] for name in wanted] == [10_000, 9987.65, 0.9996, 0.0004]
    assert found.simulated == ("model", "readers")
    assert "readers" not in evidence(extra={"replayed": True}).simulated


def test_a_replayed_log_is_not_the_load_of_the_book():
    """Its requests are others, whatever the book says."""
    usual, replayed = evidence(), evidence(extra={"replayed": True})

    assert usual.inputs["book"] == holding().book_digest
    assert replayed.inputs["book"] != usual.inputs["book"]


def test_a_load_that_ended_early_is_not_the_load_of_the_book():
    """Its first seconds have a p99, too, and it is not that of the whole."""
    early = evidence(aborted="error_rate < 20%", verdict=Verdict.FAIL)

    assert early.inputs["book"] == f"{holding().book_digest} not run to its end"


def test_without_a_gate_of_rates_and_a_warm_up_nothing_is_made_up():
    """The figures are missing then."""
    found = evidence(gates=(), extra={})

    assert (found.figures["users"], "busiest_rate" in found.figures) == (None, False)


def test_what_l1_had_fresh_is_told_apart_from_what_was_stale():
    """Nobody waits for either; behind a stale answer a feed is made, which costs."""
    counts = {"HIT-L1": 90, "STALE": 6, "HIT-L2": 3, "MISS": 1, "none": 50}

    assert evidence(tier_counts=counts).figures["fresh_hit_ratio"] == 0.9
    assert evidence(tier_counts={"none": 50}).figures["fresh_hit_ratio"] is None
