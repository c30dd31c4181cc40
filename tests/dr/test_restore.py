"""A restore does every step in its order beside the target, and hands over only what nothing speaks against."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from tests.fakes.clock import FakeClock

from opsctl.core.errors import FailedError
from opsctl.core.events import Event, PhaseFinished, PhaseStarted, ignore
from opsctl.core.findings import Finding, Severity
from opsctl.dr.restore import Outcome, Point, RestoreReport, Step, restore

POINT = Point(lsn="0/3000120", at=datetime(2026, 11, 29, tzinfo=UTC), timeline=2)
DOUBT = Finding(code="DRC064", severity=Severity.ERROR, title="searches differ")
STEPS = list(Step)


class Site:
    """A site that notes what is asked of it; each step takes a second, and may fail or have a doubt."""

    def __init__(
        self,
        clock: FakeClock,
        *,
        fails: Step | None = None,
        error: BaseException | None = None,
        doubts: tuple[Step, ...] = (),
    ) -> None:
        self.clock = clock
        self.done: list[str] = []
        self.fails = fails
        self.error = error or FailedError("the disk is failing", code="DRC029")
        self.doubts = doubts

    def database(self) -> Point:
        """Bring the database."""
        self._do(Step.DATABASE)
        return POINT

    def start(self) -> None:
        """Start."""
        self._do(Step.START)

    def snapshots(self) -> Outcome:
        """Bring the collections."""
        return self._do(Step.SNAPSHOTS)

    def replay(self) -> Outcome:
        """Bring the source to the truth."""
        return self._do(Step.REPLAY)

    def derived(self) -> Outcome:
        """Bring the derived ones to their source."""
        return self._do(Step.DERIVED)

    def aliases(self) -> Outcome:
        """Move the aliases."""
        return self._do(Step.ALIASES)

    def proof(self) -> Outcome:
        """Look at both."""
        return self._do(Step.PROOF)

    def hand_over(self) -> Outcome:
        """Take the target's place."""
        return self._do(Step.HAND_OVER)

    def abandon(self) -> None:
        """Remove everything."""
        self.done.append("abandon")

    def _do(self, step: Step) -> Outcome:
        self.clock.sleep(1.0)
        self.done.append(step)
        if step is self.fails:
            raise self.error
        return Outcome(figures={"n": len(self.done)}, doubts=[DOUBT] if step in self.doubts else [])


def run(
    site: Site, *, skip: tuple[Step, ...] = (), listener: Callable[[Event], None] = ignore
) -> RestoreReport:
    """Restore on a site."""
    return restore(
        site, backup_id="b", target="the newest point", clock=site.clock, listener=listener, skip=skip
    )


def test_every_step_comes_in_its_order_and_the_hand_over_last():
    """The truth first, aliases after everything that they lead to, and nothing is abandoned that went well."""
    site = Site(FakeClock())

    report = run(site)

    assert site.done == STEPS
    assert [done.step for done in report.steps] == STEPS
    assert (report.backup_id, report.target, report.point, report.is_proven) == (
        "b",
        "the newest point",
        POINT,
        True,
    )


def test_each_step_has_its_time_and_its_figures():
    """They add up to the whole."""
    report = run(Site(FakeClock()))

    assert [round(done.seconds) for done in report.steps] == [1] * len(STEPS)
    assert round(report.seconds) == len(STEPS)
    assert report.steps[0].figures == {"lsn": "0/3000120", "timeline": 2}
    assert report.steps[2].figures == {"n": 3}


@pytest.mark.parametrize("failing", STEPS)
def test_an_error_in_any_step_abandons_everything(failing: Step):
    """What comes after it is not begun, and the error is the one of the step."""
    site = Site(FakeClock(), fails=failing)

    with pytest.raises(FailedError) as caught:
        run(site)

    assert caught.value is site.error
    assert site.done == [*STEPS[: STEPS.index(failing) + 1], "abandon"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), SystemExit(1)])
def test_whatever_ends_it_leaves_nothing_behind(error: BaseException):
    """Ctrl-C, too."""
    site = Site(FakeClock(), fails=Step.REPLAY, error=error)

    with pytest.raises(type(error)):
        run(site)

    assert site.done[-1] == "abandon"


@pytest.mark.parametrize("doubtful", STEPS[2:-1])
def test_what_is_in_doubt_is_looked_at_to_the_end_and_never_handed_over(doubtful: Step):
    """So all doubts are known at once, and the target is as it was."""
    site = Site(FakeClock(), doubts=(doubtful, Step.PROOF))

    report = run(site)

    assert site.done == [*STEPS[:-1], "abandon"]
    assert report.doubts == (DOUBT,) * (1 if doubtful is Step.PROOF else 2)
    assert not report.is_proven


def test_a_doubt_of_the_hand_over_is_a_doubt():
    """It is in the report, where it makes the verdict bad."""
    report = run(Site(FakeClock(), doubts=(Step.HAND_OVER,)))

    assert (report.is_proven, report.steps[-1].step) == (False, Step.HAND_OVER)


def test_what_is_to_be_skipped_is_not_done():
    """Vectors alone have no point; a trial hands nothing over."""
    site = Site(FakeClock())

    report = run(site, skip=(Step.DATABASE, Step.DERIVED, Step.HAND_OVER))

    assert site.done == [step for step in STEPS if step not in (Step.DATABASE, Step.DERIVED, Step.HAND_OVER)]
    assert (report.point, report.is_proven) == (None, True)


def test_listeners_hear_of_each_step_before_and_after_it():
    """A bar shows which one it is."""
    heard: list[Event] = []

    run(Site(FakeClock()), listener=heard.append)

    assert [event.phase for event in heard if isinstance(event, PhaseStarted)] == STEPS
    assert [event.phase for event in heard if isinstance(event, PhaseFinished)] == STEPS
    assert {event.subject for event in heard} == {"restore"}
