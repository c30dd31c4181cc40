"""When is looked at the service again."""

from typing import Any

from tests.fakes.clock import FakeClock

from opsctl.cli.looking import Eyes, looks


class Slow(FakeClock):
    """A clock of a machine in trouble: to ask for the time takes three seconds."""

    def monotonic(self) -> float:
        """Return the time, later."""
        self.sleep(3.0)
        return super().monotonic()


def test_a_look_that_takes_longer_than_its_time_is_followed_at_once() -> None:
    """On a machine in trouble even asking for the time takes time; nobody waits for less than nothing."""
    waits: list[float] = []
    seen: Any = object()
    eyes = Eyes(stack=lambda: seen, reading=lambda _stack: None, look=lambda *_seen: seen)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) < 4

    assert list(looks(every_seconds=1.0, wait=wait, clock=Slow(), eyes=eyes)) == [seen] * 3
    assert waits == [0.0] * 4
