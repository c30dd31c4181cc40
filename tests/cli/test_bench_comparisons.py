"""Whole commands over stored loads: baselines, comparisons, and what is refused before anything starts."""

import json

import numpy as np
import pytest
from tests.bench.load.made_up import a_job, made_report
from tests.cli.command import run_opsctl

from opsctl.bench.registry import Registry
from opsctl.core.clock import SystemClock


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Give a project with three loads: two alike and a slower one."""
    folder = tmp_path_factory.mktemp("project")
    run_opsctl("init", folder=folder)
    registry = Registry(folder / ".opsctl" / "runs", clock=SystemClock())
    for name, middle in (("first", 0.002), ("second", 0.002), ("slower", 0.003)):
        random = np.random.default_rng(len(name))
        run = registry.add_load(made_report(a_job(rate=400, seconds=30), random, middle=middle))
        registry.baselines.set(name, run=run)
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("first", "second", "--metric", "p50"), 0),
        (("first", "slower", "--metric", "p50"), 1),
        (("slower", "first", "--metric", "p50"), 0),
        (("first", "second", "--metric", "p99", "--noise-floor", "0.001"), 5),
        (("first", "first"), 2),
        (("first", "nothing"), 2),
        (("first", "http://127.0.0.1:1"), 2),
        (("http://127.0.0.1:1", "http://127.0.0.1:2", "--block", "1s"), 2),
        (("http://127.0.0.1:1", "http://127.0.0.1:2", "--block", "soon"), 2),
        (("http://192.0.2.1:1", "http://192.0.2.1:2"), 4),
        (("first", "second", "--metric", "p42"), 2),
    ],
)
def test_compare_ends_with_the_code_of_its_verdict(project, words, code):
    """Never 0 for `cannot tell`, and never a load to a machine that was not named."""
    outcome = run_opsctl("bench", "compare", *words, folder=project)

    assert outcome.exit_code == code, outcome.stderr


def test_compare_prints_json(project):
    """With every change and its interval."""
    outcome = run_opsctl("bench", "compare", "first", "slower", "--json", folder=project)
    document = json.loads(outcome.stdout)

    assert (document["schema"], document["ok"]) == ("opsctl.bench.compare/v1", False)
    worse = {each["metric"]: each["verdict"] for each in document["data"]["changes"]}
    assert worse["p50"] == "worse"


def test_loads_are_listed_and_shown(project):
    """As a table and as JSON."""
    listed = json.loads(run_opsctl("bench", "list", "--json", folder=project).stdout)
    shown = run_opsctl("bench", "show", "slower", folder=project)

    assert [run["kind"] for run in listed["data"]] == ["load"] * 3
    assert (shown.exit_code, "machine.cpu" in shown.stdout) == (0, True)


def test_baselines_are_set_listed_and_forgotten(project):
    """A dry run changes nothing."""
    run_opsctl("bench", "baseline", "set", "main", "first", "--dry-run", folder=project)
    assert "main" not in run_opsctl("bench", "baseline", "list", folder=project).stdout

    assert run_opsctl("bench", "baseline", "set", "main", "first", folder=project).exit_code == 0
    assert "main" in run_opsctl("bench", "baseline", "list", folder=project).stdout
    assert run_opsctl("bench", "baseline", "rm", "main", folder=project).exit_code == 0
    assert run_opsctl("bench", "baseline", "rm", "main", folder=project).exit_code == 2
    assert run_opsctl("bench", "baseline", "set", "latest", folder=project).exit_code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--workers", "0"), 2),
        (("--workers", "one"), 2),
        (("--workers", "2", "--target", "http://127.0.0.1:1"), 2),
        (("--budget", "1s"), 2),
        (("--step", "never"), 2),
        (("--gate", "rate >= 100/s"), 2),
        (("nowhere",), 2),
        (("--target", "http://192.0.2.1:80"), 4),
        (("--html", "opsctl.yaml/page.html"), 3),
    ],
)
def test_capacity_refuses_before_it_starts_anything(project, words, code):
    """Bad numbers, bad durations, no gates, no such load, a target that is not ours, a page that cannot be written."""
    outcome = run_opsctl("bench", "capacity", *words, folder=project, timeout_seconds=30)

    assert outcome.exit_code == code, outcome.stderr


def test_capacity_says_what_it_would_do(project):
    """Only the gates that a rate can miss count."""
    outcome = run_opsctl("bench", "capacity", "--dry-run", "--workers", "1,2", folder=project)

    assert outcome.exit_code == 0
    assert "p99 < 500ms" in outcome.stdout
    assert "rate >=" not in outcome.stdout
