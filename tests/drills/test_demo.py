"""The demo as a newcomer runs it: it ends well, twice, and leaves nothing running."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.drill
def test_the_demo_ends_well_and_can_be_run_again(tmp_path: Path):
    """A second run goes on with what the first left: the catalogue stays, new generations take over."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DEMO_FOLDER": str(tmp_path / "demo"),
        "DEMO_ITEMS": "3000",
    }
    for _ in range(2):
        process = subprocess.run(
            ["sh", str(ROOT / "docs" / "demo.sh")],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

        assert process.returncode == 0, process.stderr[-2000:]
        assert "the chain is whole" in process.stdout

    status = subprocess.run(
        [sys.executable, "-m", "opsctl", "-C", str(tmp_path / "demo"), "stack", "status"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "running" not in status.stdout
