"""The whole of it: a stack of its own is measured, and an estimate made out of that; nothing is left behind."""

import json
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl

pytestmark = pytest.mark.drill


def test_what_is_measured_is_enough_for_an_average_month(tmp_path: Path):
    """Caches and batches save most of what a feed uses, and the estimate knows every part at the average load."""
    run_opsctl("init", folder=tmp_path)

    measured = run_opsctl(
        "costs", "measure", "--feeds", "100", "--json", folder=tmp_path, timeout_seconds=500
    )
    estimate = run_opsctl("costs", "estimate", "--json", folder=tmp_path)

    figures = json.loads(measured.stdout)["data"]
    assert measured.exit_code == 0, measured.stderr
    assert figures["problems"] == "none"
    assert figures["arms"]["neither"]["made_ratio"] == 1
    assert figures["arms"]["cached"]["model_calls"] == 0
    assert figures["saved_ratio"]["input_tokens"] > 0.4
    assert figures["quantities"]["prompt_tokens"] > 50
    bill = json.loads(estimate.stdout)["data"]["points"]["average"]
    assert bill["month_usd"] > 0
    assert not (tmp_path / ".opsctl" / "stack").exists()  # the project's own stack was never started
