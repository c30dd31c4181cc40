"""When is looked at the service again."""

import pytest
from tests.fakes.clock import FakeClock

from opsctl.cli import looking, wiring


def test_a_look_that_takes_longer_than_its_time_is_followed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine in trouble even asking for the time takes time; nobody waits for less than nothing."""
    clock, waits = FakeClock(), []

    class Slow(FakeClock):
        def monotonic(self) -> float:
            clock.seconds += 3.0
            return clock.seconds

    monkeypatch.setattr(wiring, "clock", Slow)
    monkeypatch.setattr(looking, "_stack", lambda: None)
    monkeypatch.setattr(looking, "_service_address", lambda _stack: "")
    monkeypatch.setattr(looking, "_read", lambda _address: None)
    monkeypatch.setattr(looking, "_look", lambda *_seen, stack: stack)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) < 4

    assert list(looking.looks(every_seconds=1.0, wait=wait)) == [None] * 3
    assert waits == [0.0] * 4
