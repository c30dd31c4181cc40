"""How does a planned refresh run: each command once, those that lost what they wait for left out, within the time there is?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from opsctl.checklist.refresh.journal import Done, Ending, RefreshJournal
from opsctl.checklist.refresh.plan import Planned, RefreshPlan
from opsctl.core.clock import Clock
from opsctl.core.events import Listener, Noted, PhaseFinished, PhaseStarted
from opsctl.core.exit_codes import ExitCode
from opsctl.core.units import format_duration

_ENDINGS = {
    ExitCode.GOOD: Ending.GOOD,
    ExitCode.BAD_VERDICT: Ending.BAD,
    ExitCode.INCONCLUSIVE: Ending.CANNOT_TELL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a process ended; no exit code where it was ended after its limit. A signal is a negative code."""

    exit_code: int | None
    seconds: float
    log: str


class Runner(Protocol):
    """Runs commands of opsctl as processes of their own."""

    def run(self, command: Planned, *, limit_seconds: float) -> Ran:
        """Run one to its end, or end it after its limit; its output goes into a file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """With what a refresh works.

    Args:
        runner: runs the commands.
        keep: writes the journal down.
        clock: what time it is.
        listener: hears how it goes.
    """

    runner: Runner
    keep: Callable[[RefreshJournal], None]
    clock: Clock
    listener: Listener


def run_refresh(
    plan: RefreshPlan, journal: RefreshJournal, *, ways: Ways, within_seconds: float | None = None
) -> RefreshJournal:
    """Run the plan and return the journal; one command that fails does not end the others.

    What this refresh did before it was killed is not done again, whatever came of it.

    Args:
        plan: what to run.
        journal: of this refresh; with what it did before it was killed.
        ways: with what.
        within_seconds: nothing begins that is known to take longer than what is left of this, and what runs is ended.
    """
    began = ways.clock.monotonic()
    ways.keep(journal)
    for command in plan.commands:
        left = None if within_seconds is None else within_seconds - (ways.clock.monotonic() - began)
        if journal.ended_before(command.name, command.argv):
            ways.listener(
                Noted(subject=command.name, message="done before this refresh was ended; it goes on")
            )
            continue
        why = _why_not(command, plan, journal, left=left)
        journal = journal.with_done(
            _run(command, ways=ways, left=left) if not why else _skip(command, why, ways)
        )
        ways.keep(journal)
    return journal


def _why_not(command: Planned, plan: RefreshPlan, journal: RefreshJournal, *, left: float | None) -> str:
    """Return why a command cannot be run; empty where it can."""
    prepares = {each.name: each.prepares for each in plan.commands}
    for before in command.after:
        ended = next((each for each in reversed(journal.done) if each.name == before), None)
        # A bad verdict is an answer, and what waits for it can go on; what had to prepare must have gone well.
        if ended is not None and ended.ending is not Ending.GOOD and (prepares[before] or not ended.ran):
            return f"`{before}` ended: {ended.ending}"
    if left is None:
        return ""
    if left <= 0:
        return "no time is left"
    if command.expected_seconds is not None and command.expected_seconds > left:
        wants, has = format_duration(command.expected_seconds), format_duration(left)
        return f"it takes about {wants}, and {has} are left"
    return ""


def _skip(command: Planned, why: str, ways: Ways) -> Done:
    ways.listener(Noted(subject=command.name, message=f"left out: {why}"))
    return Done(name=command.name, argv=command.argv, ending=Ending.LEFT_OUT, why=why)


def _run(command: Planned, *, ways: Ways, left: float | None) -> Done:
    limit = command.limit_seconds if left is None else min(command.limit_seconds, left)
    phase = f"opsctl {' '.join(command.argv)}"
    about = f", about {format_duration(command.expected_seconds)}" if command.expected_seconds else ""
    ways.listener(Noted(subject=command.name, message=f"runs{about}"))
    ways.listener(PhaseStarted(subject=command.name, phase=phase))
    ran = ways.runner.run(command, limit_seconds=limit)
    done = Done(
        name=command.name,
        argv=command.argv,
        ending=_ending(ran.exit_code),
        exit_code=ran.exit_code,
        seconds=round(ran.seconds, 3),
        log=ran.log,
        why="" if ran.exit_code is not None else f"it was ended after {format_duration(limit)}",
    )
    ways.listener(
        PhaseFinished(
            subject=command.name,
            phase=phase,
            duration_seconds=ran.seconds,
            figures={"ended": str(done.ending)},
        )
    )
    if not done.ran:
        told = done.why or f"exit code {done.exit_code}"
        ways.listener(Noted(subject=command.name, message=f"{done.ending}: {told}; its output: {done.log}"))
    return done


def _ending(exit_code: int | None) -> Ending:
    if exit_code is None:
        return Ending.TOO_LONG
    return next((ending for code, ending in _ENDINGS.items() if code == exit_code), Ending.FAILED)
