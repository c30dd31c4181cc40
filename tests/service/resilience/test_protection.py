"""What a worker tells of its breakers."""

import time

import pytest

from opsctl.service.book import Resilience
from opsctl.service.resilience.breaker_model import BreakerState, Outcome
from opsctl.service.resilience.protection import Protection
from opsctl.service.telemetry.meters import Meters


def told(protection: Protection, meters: Meters) -> float:
    """Return what the gauge says of the model."""
    protection.tell()
    value = meters.registry.get_sample_value("ranking_breaker_state", {"dependency": "model"})
    assert value is not None
    return value


def test_a_worker_whom_nobody_asks_does_not_tell_of_an_outage_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once its breaker would try again it says so, though no request comes that would try; an alert could not end else."""
    seconds = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    meters = Meters()
    protection = Protection(Resilience(), request_seconds=2, orders=None, meters=meters)
    breaker = protection.breakers["model"]
    while (permit := breaker.acquire()) is not None:
        breaker.release(permit, Outcome.FAILURE)
    while_open = told(protection, meters)

    seconds[0] += breaker.retry_after_seconds

    assert (while_open, told(protection, meters)) == (1.0, 0.5)
    assert breaker.state is BreakerState.OPEN
