"""Running steps: in order, asked for where they change something, each with its outcome."""

from dataclasses import dataclass, field

import pytest
from tests.fakes.clock import FakeClock
from tests.runbooks.books import GOOD, runbook

from opsctl.core.errors import RefusedError
from opsctl.core.events import Event, ignore
from opsctl.runbooks.changing import with_found_changes
from opsctl.runbooks.model import Step
from opsctl.runbooks.run import Outcome, StepResult, StepShown, next_step, run_steps

BOOK = runbook()


@dataclass(slots=True)
class ScriptedShell:
    """Knows how each command ends."""

    variables: frozenset[str] = frozenset({"PROMETHEUS_URL"})
    codes: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def run(self, command: str) -> tuple[int, str]:
        """Note a command and end as scripted."""
        self.asked.append(command)
        return next((code for begin, code in self.codes.items() if command.startswith(begin)), 0), "said\n"


def run(steps, *, shell, allows=lambda _: True, listener=ignore):
    """Run steps of the good runbook on a clock of the test's own."""
    return run_steps(BOOK, steps, shell=shell, allows=allows, clock=FakeClock(), listener=listener)


def test_each_step_is_shown_run_and_told_in_order():
    """What is about to happen stands on the screen before it happens."""
    shell = ScriptedShell()
    heard: list[Event] = []

    results = run(BOOK.steps[:2], shell=shell, listener=heard.append)

    assert shell.asked == [step.command for step in BOOK.steps[:2]]
    assert [type(event) for event in heard] == [StepShown, StepResult, StepShown, StepResult]
    assert [(each.outcome, each.exit_code, each.output) for each in results] == [
        (Outcome.DONE, 0, "said\n")
    ] * 2
    assert all(each.seconds is not None and each.seconds >= 0 for each in results)


def test_a_step_that_fails_does_not_keep_the_next_from_being_run():
    """The first look is often at the very thing that is down."""
    results = run(BOOK.steps[:2], shell=ScriptedShell(codes={"curl": 7}))

    assert [(each.outcome, each.exit_code) for each in results] == [(Outcome.FAILED, 7), (Outcome.DONE, 0)]


def test_a_step_that_needs_what_does_not_run_is_not_run():
    """Bash would only say `unbound variable`."""
    shell = ScriptedShell(variables=frozenset())

    (result,) = run(BOOK.steps[:1], shell=shell)

    assert (result.outcome, result.needs, shell.asked) == (Outcome.NOT_READY, ("PROMETHEUS_URL",), [])


def test_only_a_step_that_changes_something_is_asked_for():
    """And one that is declined is not run."""
    shell = ScriptedShell()
    asked: list[int] = []

    def decline(step):
        asked.append(step.number)
        return False

    results = run(BOOK.steps, shell=shell, allows=decline)

    assert asked == [3]
    assert [each.outcome for each in results] == [Outcome.DONE, Outcome.DONE, Outcome.DECLINED]
    assert len(shell.asked) == 2


def test_who_cannot_be_asked_refuses():
    """Nothing runs, and the error goes to whoever called."""
    shell = ScriptedShell()

    def refuse(step):
        raise RefusedError("nobody is there", code="RBK091")

    with pytest.raises(RefusedError):
        run(BOOK.steps[2:], shell=shell, allows=refuse)
    assert shell.asked == []


def test_without_a_shell_nothing_is_run_and_nobody_is_asked():
    """That is `--dry-run`."""
    results = run(BOOK.steps, shell=None, allows=lambda _: pytest.fail("was asked"))

    assert {each.outcome for each in results} == {Outcome.SHOWN}


def test_after_one_step_comes_the_one_behind_it_after_a_round_the_first_change():
    """A round of looking ends where acting begins."""
    shell = ScriptedShell()

    assert next_step(BOOK, run(BOOK.steps[:1], shell=shell)) == BOOK.steps[1]
    assert next_step(BOOK, run(BOOK.steps[2:], shell=shell)) is None
    assert next_step(BOOK, run(BOOK.steps[:2], shell=shell)) == BOOK.steps[2]


def test_a_step_that_hides_what_it_does_is_asked_for_though_nobody_marked_it():
    """A missing mark is no promise."""
    book = with_found_changes(
        runbook(GOOD.replace("opsctl stack status | head -3", 'echo "$(rm -rf data)"')), lambda _: False
    )
    shell, asked = ScriptedShell(), list[Step]()

    (result,) = run_steps(
        book,
        book.steps[1:2],
        shell=shell,
        allows=asked.append,  # type: ignore[arg-type]
        clock=FakeClock(),
        listener=ignore,
    )

    assert (result.outcome, shell.asked) == (Outcome.DECLINED, [])
    assert [(step.number, step.changes) for step in asked] == [(2, "its runbook does not say what")]


def test_what_opsctl_itself_would_change_is_found_too():
    """By the command tree, which the caller knows."""
    book = with_found_changes(runbook(), lambda words: words == ["stack", "status"])

    assert [step.number for step in book.steps if step.changes is None] == [1]
