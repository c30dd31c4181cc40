"""The contract, held against a live service: edge and API on granian, or the one that the environment names."""

from pathlib import Path

import pytest
from tests.service.api.contract_run import run_contract
from tests.service.api.live import LiveService


@pytest.mark.slow
def test_the_live_service_keeps_its_contract(live_service: LiveService, tmp_path: Path) -> None:
    """Schemathesis: all checks, all phases, chains of calls included."""
    run = run_contract(live_service, folder=tmp_path)

    assert run.has_passed, run.output
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert f"✅ {phase}" in run.output
    assert "Tested: 10" in run.output
