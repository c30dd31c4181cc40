"""The three alerts of the brief are made to fire, from the fault to the message at their receivers."""

import json
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl
from tests.scratch_project import init_project

ALERTS = {"high_error_rate": 60.0, "slow_feed_generation": 90.0, "quality_drift": 240.0}


@pytest.mark.drill
def test_the_three_alerts_of_the_brief_arrive_in_time_and_end(open_folder: Path):
    """On a stack of its own, of which nothing runs afterwards; each leaves a record."""
    project = init_project(open_folder / "proving").root

    outcome = run_opsctl("alerts", "prove", *ALERTS, "--json", folder=project, timeout_seconds=1200)

    assert outcome.exit_code == 0, outcome.stdout + outcome.stderr
    records = [
        json.loads(line)
        for line in (project / ".opsctl" / "evidence" / "ledger.jsonl").read_text().splitlines()
    ]
    proofs = {record["subject"]: record for record in records if record["kind"] == "alerts.prove"}
    for name, allowed_seconds in ALERTS.items():
        figures = proofs[name]["figures"]
        assert proofs[name]["verdict"] == "pass"
        assert 0 < figures["measured_seconds"] <= allowed_seconds
        assert figures["resolved_seconds"] > 0
    assert list((project / ".opsctl" / "proving").glob("**/*.pid")) == []
