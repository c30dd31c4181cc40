"""How are steps of a runbook run: shown first, asked for where they change something, each with its outcome."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from opsctl.core.clock import Clock
from opsctl.core.events import Event, Listener
from opsctl.runbooks.model import Runbook, Step


class Outcome(StrEnum):
    """What became of a step; `not ready` needs the address of something that does not run."""

    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"
    NOT_READY = "not ready"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShown(Event):
    """A step is about to be run, or asked for."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult(Event):
    """A step and what became of it.

    Args:
        step: that was asked for.
        outcome: what became of it.
        exit_code: of its command; None where it was not run.
        seconds: that it took.
        output: as far as it was kept.
        needs: variables that nothing gives it, because something does not run.
    """

    step: Step
    outcome: Outcome
    exit_code: int | None = None
    seconds: float | None = None
    output: str = ""
    needs: tuple[str, ...] = ()


class Shell(Protocol):
    """Runs commands, and knows which variables they may use."""

    @property
    def variables(self) -> frozenset[str]:
        """Return the names of the variables that a command gets."""
        ...

    def run(self, command: str) -> tuple[int, str]:
        """Run a command to its end; return its exit code and what it printed, as far as that was kept."""
        ...


def run_steps(
    runbook: Runbook,
    steps: Sequence[Step],
    *,
    shell: Shell | None,
    allows: Callable[[Step], bool],
    clock: Clock,
    listener: Listener,
) -> tuple[StepResult, ...]:
    """Run steps one after the other; one that fails does not keep the next from being run.

    Args:
        runbook: to which they belong.
        steps: in order.
        shell: runs a command; None to show only.
        allows: is asked before a step that changes something; may refuse by raising.
        clock: for durations.
        listener: hears of each step before and after.
    """
    results = []
    for step in steps:
        listener(StepShown(subject=runbook.name, step=step))
        result = _run_step(runbook.name, step, shell=shell, allows=allows, clock=clock)
        listener(result)
        results.append(result)
    return tuple(results)


def next_step(runbook: Runbook, results: Sequence[StepResult]) -> Step | None:
    """Return what follows: after one step the one behind it, after a round of looking the first that changes something."""
    if len(results) == 1:
        return next((step for step in runbook.steps if step.number > results[0].step.number), None)
    return next((step for step in runbook.steps if step.changes is not None), None)


def _run_step(
    name: str, step: Step, *, shell: Shell | None, allows: Callable[[Step], bool], clock: Clock
) -> StepResult:
    if shell is None:
        return StepResult(subject=name, step=step, outcome=Outcome.SHOWN)
    needs = tuple(sorted(step.variables - shell.variables))
    if needs:
        return StepResult(subject=name, step=step, outcome=Outcome.NOT_READY, needs=needs)
    if step.changes is not None and not allows(step):
        return StepResult(subject=name, step=step, outcome=Outcome.DECLINED)
    began = clock.monotonic()
    exit_code, output = shell.run(step.command)
    return StepResult(
        subject=name,
        step=step,
        outcome=Outcome.FAILED if exit_code else Outcome.DONE,
        exit_code=exit_code,
        seconds=round(clock.monotonic() - began, 3),
        output=output,
    )
