"""A phase of long work: told when it begins, when it goes on, and when it is over with its figures."""

import pytest
from tests.fakes.clock import FakeClock

from opsctl.core.events import Event, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.core.phases import told_phase


def test_a_phase_tells_its_steps_its_figures_and_how_long_it_took() -> None:
    """In this order."""
    clock, told = FakeClock(), list[Event]()

    with told_phase("x", "copy", listener=told.append, clock=clock, total=3, unit="points") as under_way:
        under_way.advance()
        clock.sleep(2)
        under_way.advance(2)
        under_way.figures["points"] = under_way.done

    begun, first, second, over = told
    assert begun == PhaseStarted(subject="x", phase="copy", total=3, unit="points")
    assert (first, second) == tuple(PhaseAdvanced(subject="x", phase="copy", advance=by) for by in (1, 2))
    assert isinstance(over, PhaseFinished)
    assert (over.figures, round(over.duration_seconds, 3)) == ({"points": 3}, 2.0)


def test_a_phase_that_fails_has_no_end() -> None:
    """Its error says what there is to say."""
    told: list[Event] = []

    with (
        pytest.raises(ValueError, match="no"),
        told_phase("x", "copy", listener=told.append, clock=FakeClock()),
    ):
        raise ValueError("no")

    assert [type(event) for event in told] == [PhaseStarted]
