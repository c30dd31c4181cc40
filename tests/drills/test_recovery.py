"""Losses are made for real and come back by their runbooks, within the objectives; nothing runs afterwards."""

import json
from pathlib import Path

import psutil
import pytest
from tests.cli.command import Outcome, run_opsctl
from tests.scratch_project import init_project

SCENARIOS = sorted(path.stem for path in (Path(__file__).parents[2] / "ops" / "recoveries").glob("*.yaml"))


def drill(folder: Path, *words: str) -> tuple[Outcome, dict[str, object]]:
    """Hold drills in a new project and return how that ended, and the document."""
    project = init_project(folder).root
    outcome = run_opsctl("dr", "drill", *words, "--seed", "7", "--json", folder=project, timeout_seconds=600)
    assert list(project.glob(".opsctl/proving/**/*.pid")) == []
    assert [
        each
        for each in psutil.process_iter(["cmdline"])
        if str(project) in " ".join(each.info["cmdline"] or ())
    ] == []
    return outcome, json.loads(outcome.stdout)["data"]


def require_passed(outcome: Outcome, data: dict[str, object]) -> None:
    """Require that everything came back, and say why where it did not."""
    entries = data["entries"]
    assert isinstance(entries, list)
    for entry in entries:
        assert entry["verdict"]["outcome"] == "passed", entry["verdict"]["reasons"]
    assert outcome.exit_code == 0, outcome.stderr


@pytest.mark.drill
@pytest.mark.stack
def test_both_stores_are_lost_under_load_and_come_back_with_every_acknowledged_row(open_folder: Path):
    """The short drill: killed, data removed, restored by the runbook, and every row of the canary is counted."""
    outcome, data = drill(open_folder / "both-lost", "both_lost", "--quick")

    require_passed(outcome, data)
    assert data["simulated"] == ["readers", "detection"]
    run = data["entries"][0]["run"]  # type: ignore[index]
    streams = {loss["stream"]: loss for loss in run["losses"]}
    assert streams["content"]["acknowledged"] > 150
    assert streams["interactions"]["acknowledged"] > 150
    assert streams["catalogue"]["tail"] + streams["catalogue"]["holes"] == 0
    assert run["divergence"] == 0


@pytest.mark.drill
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_loss_is_told_and_mended_within_its_objectives(scenario: str, open_folder: Path):
    """With watchers, at a moment drawn at random."""
    require_passed(*drill(open_folder / scenario, scenario))
