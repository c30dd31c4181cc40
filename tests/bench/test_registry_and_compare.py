"""Runs are kept whole, read back, and compared only where a difference can be put down to something."""

import json
from dataclasses import replace

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.searcher import FakeHost, FakeSearcher, FakeStates

from opsctl.bench.compare import compare_runs
from opsctl.bench.fingerprint import Fingerprint
from opsctl.bench.latency import LatencyOptions, bench_latency
from opsctl.bench.model import Target
from opsctl.bench.registry import Registry
from opsctl.core.errors import InconclusiveError, NotReadyError, UsageError
from opsctl.evidence.model import Verdict
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.measure import Instruments
from opsctl.vectors.queries import query_set
from opsctl.vectors.statistics import Comparison

MACHINE = {"machine.cpu": "abacus", "engine.version": "1.2.3"}
TARGET = Target(
    name="au",
    source="slow",
    derived="fast",
    filter=FilterSpec.model_validate({"region": "AU"}),
    recall_budget=0.95,
    p95_budget_seconds=0.01,
)


def a_run(*, fast=0.0002, slow=0.002, misses=0, target=TARGET, seed=1, cpu_share=1.0, queries=600):
    """Measure with fakes."""
    searcher = FakeSearcher({"slow": slow, "fast": fast}, seed=seed)
    searcher.misses = {"fast": misses}
    return bench_latency(
        target,
        queries=query_set([[float(n), 1.0] for n in range(queries)], origin="test"),
        options=LatencyOptions(queries=queries, truth_queries=200, warm_up=0),
        instruments=Instruments(
            searcher=searcher, states=FakeStates(), clock=FakeClock(), host=FakeHost(cpu_share=cpu_share)
        ),
    )


@pytest.fixture
def registry(tmp_path):
    """Give an empty registry."""
    return Registry(tmp_path / "runs", clock=FakeClock())


def stored(registry, **changes):
    """Measure, keep, and read back."""
    return registry.get(registry.add(a_run(**changes), kind="latency", machine=MACHINE))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Verdict.PASS),
        ({"misses": 2}, Verdict.FAIL),
        ({"fast": 0.02}, Verdict.FAIL),
        ({"fast": 0.004}, Verdict.FAIL),
        ({"cpu_share": 0.5}, Verdict.INCONCLUSIVE),
        ({"queries": 60}, Verdict.INCONCLUSIVE),
        ({"target": replace(TARGET, recall_budget=0.99), "misses": 0}, Verdict.INCONCLUSIVE),
    ],
    ids=["good", "recall", "p95", "slower than the source", "starved", "p95 without tail", "recall unsure"],
)
def test_a_latency_run_is_judged_by_its_budgets(changes, expected):
    """A missed budget or a slower copy is bad; what the sample cannot show is inconclusive."""
    assert a_run(**changes).report.verdict is expected


def test_a_run_comes_back_as_it_was_measured(registry):
    """Every nanosecond, the arms in their order, the fingerprint and the verdict."""
    run = a_run()

    found = registry.get(registry.add(run, kind="latency", machine=MACHINE))

    assert found.arms == ("source", "derived", "control")
    assert (found.engine_ns["derived"] == run.measurement.of("derived").engine_ns).all()
    assert (found.client_ns["control"] == run.measurement.control.client_ns).all()
    assert (found.verdict, found.fingerprint.values["machine.cpu"]) == (Verdict.PASS, "abacus")
    assert found.report["filter"] == "region = AU"


def test_a_damaged_file_is_named(registry, tmp_path):
    """Half a file is no run."""
    run_id = registry.add(a_run(), kind="latency", machine=MACHINE)
    path = tmp_path / "runs" / f"{run_id}.json"
    path.write_text(path.read_text()[:1000])

    with pytest.raises(UsageError) as error:
        registry.get(run_id)

    assert (error.value.code, str(path) in error.value.message) == ("BEN006", True)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[]", b"null", b"{}"])
def test_what_is_no_run_at_all_is_named(registry, tmp_path, content):
    """Bytes that are no text, and JSON of another shape."""
    run_id = registry.add(a_run(), kind="latency", machine=MACHINE)
    (tmp_path / "runs" / f"{run_id}.json").write_bytes(content)

    with pytest.raises(UsageError, match="is not a whole run") as error:
        registry.get(run_id)
    assert error.value.code == "BEN006"


def test_a_newer_schema_is_refused(registry, tmp_path):
    """A file of a later version is not guessed at."""
    run_id = registry.add(a_run(), kind="latency", machine=MACHINE)
    path = tmp_path / "runs" / f"{run_id}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": "opsctl.run/v9"}))

    with pytest.raises(UsageError) as error:
        registry.get(run_id)

    assert error.value.why == "ValueError: schema `opsctl.run/v9` instead of `opsctl.run/v1`"


def test_a_damaged_run_does_not_hide_the_others(registry, tmp_path):
    """The whole ones are listed, and what is wrong with the other is said beside them."""
    whole = registry.add(a_run(seed=1), kind="latency", machine=MACHINE)
    broken = registry.add(a_run(seed=2), kind="latency", machine=MACHINE)
    (tmp_path / "runs" / f"{broken}.json").write_text("{")

    runs, damaged = registry.list()

    assert [run.id for run in runs] == [whole]
    assert [broken in error.message for error in damaged] == [True]


def test_an_id_that_fits_several_runs_is_refused(registry):
    """A prefix must mean one run."""
    registry.add(a_run(seed=1), kind="latency", machine=MACHINE)
    registry.add(a_run(seed=2), kind="latency", machine=MACHINE)

    with pytest.raises(UsageError, match="2 runs begin with `2026`"):
        registry.get("2026")
    with pytest.raises(UsageError, match="no run begins with `2031`"):
        registry.get("2031")


def test_a_full_disk_is_told(registry, tmp_path):
    """A registry that cannot be written raises and leaves nothing."""
    (tmp_path / "runs").write_text("a file where the folder should be")

    with pytest.raises((NotReadyError, UsageError)):
        registry.add(a_run(), kind="latency", machine=MACHINE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fast", "expected", "word"),
    [
        (0.0002, Verdict.PASS, Comparison.SAME),
        (0.00026, Verdict.FAIL, Comparison.WORSE),
        (0.00015, Verdict.PASS, Comparison.BETTER),
    ],
)
def test_two_runs_are_compared(registry, fast, expected, word):
    """The same, 30 % slower, and 25 % faster."""
    first, second = stored(registry, seed=1), stored(registry, seed=2, fast=fast)

    comparison = compare_runs(first, second, noise_floor=0.05)

    median = next(each for each in comparison.changes if (each.arm, each.quantile) == ("derived", 0.5))
    assert (comparison.verdict, median.verdict) == (expected, word)


def test_an_unsettled_comparison_says_how_many_queries_it_needs(registry):
    """Two equal runs cannot be told to agree within 1 %; that takes more queries than they had."""
    first, second = stored(registry, seed=1), stored(registry, seed=2)

    comparison = compare_runs(first, second, noise_floor=0.01)

    needed = [change.queries_needed for change in comparison.changes if change.queries_needed]
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert min(needed) > 600


@pytest.mark.slow
def test_different_machines_are_not_compared_unless_told(registry):
    """The refusal names what differs; --anyway keeps the list."""
    first = stored(registry, seed=1)
    other = Fingerprint(values={**first.fingerprint.values, "machine.cpu": "slide rule"})
    second = replace(stored(registry, seed=2), fingerprint=other)

    with pytest.raises(InconclusiveError) as error:
        compare_runs(first, second, noise_floor=0.05)
    comparison = compare_runs(first, second, noise_floor=0.05, anyway=True)

    assert (error.value.code, error.value.why) == ("BEN008", "machine.cpu: abacus / slide rule")
    assert comparison.differences == (("machine.cpu", "abacus", "slide rule"),)


def test_an_invalid_run_is_compared_with_nothing(registry):
    """Also not with --anyway."""
    first, second = stored(registry, seed=1), stored(registry, seed=2, cpu_share=0.5)

    with pytest.raises(InconclusiveError) as error:
        compare_runs(first, second, noise_floor=0.05, anyway=True)

    assert error.value.code == "BEN007"
