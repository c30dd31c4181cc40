"""Long work on a pipe: early one line, then one every ten seconds, of the newest phase; nothing of what is over at once."""

import threading

import pytest

from opsctl.core.events import Event, Noted, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.ui.pulse import Pulse, kept_up


class Time:
    """A clock that the test turns."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def started(phase: str, total: int | None = None) -> Event:
    """Return the beginning of a phase of the audit."""
    return PhaseStarted(subject="security", phase=phase, total=total, unit="checks")


@pytest.fixture
def time() -> Time:
    """Give a clock at zero."""
    return Time()


def said(pulse: Pulse, time: Time, *, until: float) -> list[tuple[float, str]]:
    """Return what is said when, looked for twice a second."""
    lines = []
    while time.now < until:
        time.now += 0.5
        if (line := pulse.due()) is not None:
            lines.append((time.now, line))
    return lines


def test_a_long_phase_is_told_early_and_then_every_ten_seconds(time: Time):
    """With what is done of it."""
    pulse = Pulse(time)
    pulse.hear(started("checks", total=24))
    pulse.hear(PhaseAdvanced(subject="security", phase="checks", advance=2))

    assert said(pulse, time, until=25) == [
        (1.0, "security: checks begins, 24 checks"),
        (11.0, "security: checks goes on, 11 s, 2 of 24 checks"),
        (21.0, "security: checks goes on, 21 s, 2 of 24 checks"),
    ]


def test_what_is_over_at_once_is_told_by_its_end_alone(time: Time):
    """Nine quick steps stay nine lines."""
    pulse = Pulse(time)
    pulse.hear(started("copy"))
    time.now = 0.9
    pulse.hear(PhaseFinished(subject="security", phase="copy", duration_seconds=0.9))

    assert said(pulse, time, until=30) == []


def test_lines_of_others_put_it_off(time: Time):
    """At most one every ten seconds, whoever says it."""
    pulse = Pulse(time)
    pulse.hear(started("checks"))
    said(pulse, time, until=8)
    pulse.hear(Noted(subject="security", message="a word"))

    assert said(pulse, time, until=20) == [(18.0, "security: checks goes on, 18 s")]


def test_the_newest_phase_is_the_one_that_is_told(time: Time):
    """What it stands in comes next, once that is over."""
    pulse = Pulse(time)
    pulse.hear(started("outer"))
    pulse.hear(started("inner"))
    first = said(pulse, time, until=2)
    pulse.hear(PhaseFinished(subject="security", phase="inner", duration_seconds=2))

    assert first == [(1.0, "security: inner begins")]
    assert said(pulse, time, until=3) == [(2.5, "security: outer begins")]


def test_the_thread_says_it_and_ends_with_the_block():
    """A phase that was begun before is told from beside the work, which says nothing itself."""
    time, heard = Time(), threading.Event()
    pulse = Pulse(time)
    pulse.hear(started("checks"))
    time.now = 5.0

    with kept_up(pulse, lambda _line: heard.set()):
        assert heard.wait(timeout=10)

    assert "pulse" not in {thread.name for thread in threading.enumerate()}
