"""Loads are kept beside latency runs, found again, named as baselines, and compared only with what fits."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.bench.load.made_up import a_job, made_report
from tests.bench.test_registry_and_compare import MACHINE, a_run
from tests.fakes.clock import FakeClock

from opsctl.bench.compare_loads import compare_any, refused
from opsctl.bench.load.comparison import LoadComparison
from opsctl.bench.load.metrics import Metric
from opsctl.bench.registry import Registry, StoredLoadRun
from opsctl.core.errors import InconclusiveError, UsageError
from opsctl.evidence.model import Verdict
from opsctl.ui.show_load_comparison import sentence, show_load_comparison
from opsctl.ui.show_runs import show_run, show_runs


@pytest.fixture
def clock():
    """Give a clock that tests move."""
    return FakeClock()


@pytest.fixture
def registry(tmp_path, clock):
    """Give an empty registry."""
    return Registry(tmp_path / "runs", clock=clock)


def a_load(*, seed=1, middle=0.002, seconds=30, **changes):
    """Make the report of a load."""
    job = a_job(rate=300, seconds=seconds)
    report = made_report(job, np.random.default_rng(seed), middle=middle)
    return replace(report, **changes)


def keep(registry, clock, **changes):
    """Keep a load, a second later than the one before."""
    clock.sleep(1.0)
    return registry.add_load(a_load(**changes))


def test_a_load_comes_back_whole(registry):
    """Every histogram, gate, point and percentile."""
    report = a_load()
    found = registry.get(registry.add_load(report))

    assert isinstance(found, StoredLoadRun)
    assert found.load == replace(report, histograms=found.load.histograms, blocks=found.load.blocks)
    assert [dict(block) for block in found.load.blocks] == [dict(block) for block in report.blocks]
    assert (found.kind, found.subject, found.verdict) == ("load", "standard", Verdict.PASS)


@pytest.mark.slow
def test_previous_is_the_run_before_of_the_same_kind_and_subject(registry, clock):
    """A latency run in between does not count, nor does another load."""
    first = keep(registry, clock, seed=1)
    clock.sleep(1.0)
    registry.add(a_run(queries=60), kind="latency", machine=MACHINE)
    keep(registry, clock, seed=2, load="standard-of-another")
    keep(registry, clock, seed=3, load="spike")
    last = keep(registry, clock, seed=4)

    assert registry.get("latest").id == last
    assert registry.get("previous").id == first
    assert [run.kind for run in registry.list()[0]] == ["load", "load", "load", "latency", "load"]


def test_where_nothing_came_before_it_is_said(registry, clock):
    """Also in an empty folder."""
    with pytest.raises(UsageError, match="there are no runs yet"):
        registry.get("latest")
    keep(registry, clock)
    with pytest.raises(UsageError, match="there is no load run of `standard` before"):
        registry.get("previous")


@pytest.mark.parametrize("part", ["blocks", "histograms", "report"])
def test_a_damaged_load_is_named_and_hides_no_other(registry, clock, tmp_path, part):
    """Half of what was packed is none of it."""
    whole, broken = keep(registry, clock, seed=1), keep(registry, clock, seed=2)
    path = tmp_path / "runs" / f"{broken}.json"
    body = json.loads(path.read_text())
    body[part] = {} if part == "report" else body[part][: len(body[part]) // 2]
    path.write_text(json.dumps(body))

    runs, damaged = registry.list()

    assert [run.id for run in runs] == [whole]
    assert [error.code for error in damaged] == ["BEN006"]


def test_a_run_of_brackets_alone_is_named_and_hides_no_other(registry, clock, tmp_path):
    """More of them than any reader of JSON follows."""
    whole = keep(registry, clock)
    (tmp_path / "runs" / "29990101T000000-standard-0000.json").write_text("[" * 100_000)
    runs, damaged = registry.list()
    assert [run.id for run in runs] == [whole]
    assert [error.code for error in damaged] == ["BEN006"]


def test_a_baseline_is_a_name_for_a_run(registry, clock):
    """It can be set anew and forgotten; the run stays."""
    first, second = keep(registry, clock, seed=1), keep(registry, clock, seed=2)
    registry.baselines.set("main", run=first)
    assert registry.get("main").id == registry.baseline("main").id == first

    registry.baselines.set("main", run=second)
    assert [(each.name, each.run) for each in registry.baselines.list()[0]] == [("main", second)]

    registry.baselines.remove("main")
    assert registry.baselines.list() == ([], [])
    assert len(registry.list()[0]) == 2


@pytest.mark.parametrize("name", ["latest", "previous", "Main", "1st", "../x", "a/b", "", "a" * 61, "ä"])
def test_what_cannot_be_a_baselines_name_is_refused(registry, name):
    """No path, no beginning of an id, no word that means something already."""
    with pytest.raises(UsageError) as error:
        registry.baselines.set(name, run="x")

    assert error.value.code == "BEN066"


def test_a_baseline_that_is_not_there_is_told(registry, clock, tmp_path):
    """Unknown, its run gone, its file damaged: each with the way out."""
    run = keep(registry, clock)
    with pytest.raises(UsageError, match="no baseline is called `main`"):
        registry.baseline("main")
    registry.baselines.set("main", run="20200101T000000-gone-0000")
    with pytest.raises(UsageError, match="which is not there any more"):
        registry.baseline("main")
    whole = json.loads((tmp_path / "runs" / "baselines" / "main.json").read_text())
    elsewhere, too_long = (json.dumps(whole | {"run": run_id}) for run_id in ("../../x", "x" * 500))
    for damaged in ("{", "[" * 100_000, elsewhere, too_long):
        (tmp_path / "runs" / "baselines" / "main.json").write_text(damaged)
        with pytest.raises(UsageError, match="is not a baseline") as error:
            registry.baseline("main")
        assert error.value.code == "BEN067"
    assert len(registry.baselines.list()[1]) == 1

    registry.baselines.set("main", run=run)
    assert registry.baseline("main").id == run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("middle", "verdict"), [(0.002, Verdict.PASS), (0.0026, Verdict.FAIL), (0.0015, Verdict.PASS)]
)
def test_two_loads_are_compared(registry, clock, middle, verdict):
    """The same, 30 % slower, 25 % faster."""
    first, second = (
        registry.get(keep(registry, clock, seed=1)),
        registry.get(keep(registry, clock, seed=2, middle=middle)),
    )
    found = compare_any(first, second, noise_floor=0.05, metrics=[Metric.P50, Metric.P95])

    assert isinstance(found, LoadComparison)
    assert found.verdict is verdict
    assert found.commits == ("4478177c0ffee", "4478177c0ffee")


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"plan_digest": "0" * 64}, {"fingerprint": {"machine.cpu": "slide rule"}}, {"engine": "locust"}],
    ids=["plan", "machine", "engine"],
)
def test_loads_under_different_conditions_are_not_compared_unless_told(registry, clock, changes):
    """The refusal names what differs, and stays in sight with --anyway."""
    first = registry.get(keep(registry, clock, seed=1))
    second = registry.get(keep(registry, clock, seed=2, **changes))

    with pytest.raises(InconclusiveError) as error:
        compare_any(first, second, noise_floor=0.05)
    assert error.value.code == "BEN008"
    assert compare_any(first, second, noise_floor=0.05, anyway=True).differences


def test_what_has_nothing_to_say_to_each_other_is_refused(registry, clock):
    """Two kinds, twice the same run, a metric of loads for latencies, a load without blocks."""
    load = registry.get(keep(registry, clock))
    bare = registry.get(keep(registry, clock, seed=2, blocks=()))
    latency = registry.get(registry.add(a_run(queries=60), kind="latency", machine=MACHINE))
    other = registry.get(registry.add(a_run(queries=60, seed=2), kind="latency", machine=MACHINE))

    codes = []
    for first, second, metrics in (
        (load, latency, ()),
        (load, load, ()),
        (latency, other, [Metric.P50]),
        (load, bare, ()),
    ):
        with pytest.raises((UsageError, InconclusiveError)) as error:
            compare_any(first, second, noise_floor=0.05, metrics=metrics)
        codes.append(error.value.code)

    assert codes == ["BEN065", "BEN065", "BEN065", "BEN068"]


def test_loads_are_shown_beside_latency_runs(registry, clock, capsys):
    """In one list, each whole, and compared; what cannot be compared is said to be so."""
    first, second = (registry.get(keep(registry, clock, seed=seed)) for seed in (1, 2))
    registry.add(a_run(queries=60), kind="latency", machine=MACHINE)

    show_runs(registry.list()[0], now=clock.now())
    for run in registry.list()[0]:
        show_run(run)
    comparison = compare_any(first, second, noise_floor=0.05)
    assert isinstance(comparison, LoadComparison)
    show_load_comparison(comparison)
    error = InconclusiveError("not alike", code="BEN008")
    show_load_comparison(refused(first, second, noise_floor=0.05, why=error.as_finding()))

    shown = capsys.readouterr().out
    assert all(word in shown for word in ("load", "latency", "p95", "A/A", "not compared"))
    assert "p50" in sentence(comparison)
