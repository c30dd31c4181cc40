"""Every number says where it comes from, and only evidence that can tell counts."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.costs.examples import NOW, PLAN

from opsctl.costs.gather import Lifetimes, gather
from opsctl.costs.inputs import Inputs, Quantity, Source
from opsctl.evidence.model import Record, Verdict


def record(
    kind: str,
    subject: str,
    *,
    verdict: Verdict = Verdict.PASS,
    age: timedelta = timedelta(days=1),
    name: str = "abc",
    **figures: Any,
) -> Record:
    """Return a record of the ledger that is good for a week."""
    at = NOW - age
    return Record(
        sequence=1,
        id=name,
        kind=kind,
        subject=subject,
        verdict=verdict,
        figures=figures,
        inputs={},
        tools={},
        git_commit=None,
        started_at=at,
        duration_seconds=1.0,
        recorded_at=at,
        expires_at=at + timedelta(days=7),
        simulated=("scoring model",) if kind == "costs.measure" else (),
    )


def gathered(*records: Record) -> Inputs:
    """Return what the plan of the tests gets from these records."""
    return gather(
        PLAN,
        lifetimes=Lifetimes(feed_seconds=270.0, score_seconds=3240.0, where="ops/cache.yaml"),
        records=records,
        now=NOW,
        where="ops/costs.yaml",
    )


def test_without_any_evidence_everything_measured_is_unknown_and_says_what_measures_it():
    """Plan and books are known all the same."""
    found = gathered()

    origins = {each.quantity: each.origin for each in found.by_quantity.values()}
    assert set(origins) == set(Quantity)
    assert found.value(Quantity.USERS) == 10_000
    assert found.value(Quantity.FEED_FRESH) == 270
    for quantity, origin in origins.items():
        assert (found.value(quantity) is None) == (origin.source is Source.EVIDENCE)
    assert origins[Quantity.MISS_AT_PEAK].produce == "opsctl bench load standard"
    assert origins[Quantity.WORKER_RATE].produce == "opsctl bench capacity standard"
    assert origins[Quantity.PROMPT_TOKENS].produce == "opsctl costs measure"


def test_a_hit_ratio_becomes_what_is_missed():
    """Of the newest load of the plan's name; another load has other readers."""
    found = gathered(
        record("bench.load", "cold", fresh_hit_ratio=0.0),
        record("bench.load", "standard", fresh_hit_ratio=0.9925, name="newest"),
        record("bench.load", "standard", fresh_hit_ratio=0.5, name="older"),
    )

    missed = found.by_quantity[Quantity.MISS_AT_PEAK]
    assert missed.value == Decimal("0.0075")
    assert missed.origin.where == "bench.load newest"


def test_stale_hits_are_no_hits_here():
    """Each of them has a feed made behind it, which is paid."""
    found = gathered(record("bench.load", "standard", hit_ratio=1.0, fresh_hit_ratio=0.996))
    before = gathered(record("bench.load", "standard", hit_ratio=1.0))

    assert found.value(Quantity.MISS_AT_PEAK) == Decimal("0.004")
    assert before.value(Quantity.MISS_AT_PEAK) is None  # of an older version, which did not tell


def test_the_rate_of_a_worker_is_that_of_the_most_workers():
    """What they do to each other is in it then."""
    figures: dict[str, Any] = {
        "workers_1_passed_requests_per_second": 6000.0,
        "workers_2_passed_requests_per_second": 10_000.0,
        "workers_2_failed_requests_per_second": 10_800.0,
        "workers_4_passed_requests_per_second": None,
    }

    found = gathered(record("bench.capacity", "standard", **figures))

    assert found.value(Quantity.WORKER_RATE) == 5_000


def test_most_workers_that_pass_nothing_have_no_rate():
    """That one alone passes something is no ground to buy machines on."""
    figures: dict[str, Any] = {
        "workers_1_passed_requests_per_second": 6000.0,
        "workers_2_passed_requests_per_second": 0.0,
    }

    found = gathered(record("bench.capacity", "standard", verdict=Verdict.FAIL, **figures))

    assert found.value(Quantity.WORKER_RATE) is None


def test_what_cannot_tell_is_passed_over():
    """The last measurement that could counts, however old, and is told as stale."""
    found = gathered(
        record("costs.measure", "project", verdict=Verdict.INCONCLUSIVE, quantities={"prompt_tokens": 1}),
        record(
            "costs.measure", "project", age=timedelta(days=8), quantities={"prompt_tokens": 140.5}, name="old"
        ),
    )

    prompt = found.by_quantity[Quantity.PROMPT_TOKENS]
    assert prompt.value == Decimal("140.5")
    assert prompt.origin.is_stale
    assert prompt.origin.simulated == ("scoring model",)
    assert found.value(Quantity.ITEM_TOKENS) is None


def test_what_is_of_the_future_is_passed_over():
    """A clock that ran ahead recorded it, and it would count for as long as that was wrong."""
    tomorrow = record("bench.load", "standard", age=timedelta(days=-1), name="new", fresh_hit_ratio=0.9)
    before = record("bench.load", "standard", name="old", fresh_hit_ratio=0.8)

    found = gathered(tomorrow, before)

    assert found.value(Quantity.MISS_AT_PEAK) == Decimal("0.2")


def test_what_a_load_measured_that_missed_its_gates_is_taken_and_told():
    """Readers hit or missed whether or not they were answered in time."""
    found = gathered(record("bench.load", "standard", verdict=Verdict.FAIL, fresh_hit_ratio=0.9))

    missed = found.by_quantity[Quantity.MISS_AT_PEAK]
    assert (missed.value, missed.origin.is_bad) == (Decimal("0.1"), True)


@pytest.mark.parametrize("figure", ["12", True, -1, float("nan"), None, [1]])
def test_a_figure_that_is_no_number_is_not_known(figure: Any):
    """A ledger is written by other versions too."""
    found = gathered(
        record("bench.load", "standard", fresh_hit_ratio=figure),
        record("costs.measure", "project", quantities={"prompt_tokens": figure}),
    )

    assert found.value(Quantity.MISS_AT_PEAK) is None
    assert found.value(Quantity.PROMPT_TOKENS) is None
