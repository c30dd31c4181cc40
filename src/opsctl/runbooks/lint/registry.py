"""Which checks of runbooks are there, and what do they look at?"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.core.findings import Location
from opsctl.core.lint_checks import LintChecks
from opsctl.runbooks.links import AlertNode
from opsctl.runbooks.model import README, RecoveryFacts, RuleFacts, Runbook, Step


def _nothing(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LintContext:
    """Everything that the checks look at; what a project does not have is left out, not guessed.

    Args:
        runbooks: by file name, README.md too.
        rules: that need one.
        nodes: the same rules, with what they link to.
        recoveries: losses that are drilled; they need one, too.
        panels: by `dashboard/panel`, the alerts that it shows; None where there are no dashboards.
        faults: that can be made.
        codes: that `opsctl explain` knows, in capitals, and its topics.
        variables: that `opsctl runbooks run` gives to a step.
        parses: says why a command of opsctl does not parse; None where it does. Nothing is run.
        is_changing: tells whether a command of opsctl changes something.
        shell: says why a text is no shell script; None where it is one.
        promql: says what is wrong with an expression; None where nothing is.
        anchors: of the file that a relative link leads to and that is no runbook; None where there is none.
    """

    runbooks: Mapping[str, Runbook]
    rules: Sequence[RuleFacts] = ()
    nodes: Sequence[AlertNode] = ()
    recoveries: Sequence[RecoveryFacts] = ()
    panels: Mapping[str, frozenset[str]] | None = None
    faults: frozenset[str] = frozenset()
    codes: Collection[str] = ()
    variables: frozenset[str] = frozenset()
    parses: Callable[[list[str]], str | None] = _nothing
    is_changing: Callable[[list[str]], bool] = field(default=lambda _: False)
    shell: Callable[[str], str | None] = _nothing
    promql: Callable[[str], str | None] = _nothing
    anchors: Callable[[str], frozenset[str] | None] = _nothing

    @property
    def needing(self) -> tuple[RuleFacts | RecoveryFacts, ...]:
        """Return everything that needs a runbook."""
        return (*self.rules, *self.recoveries)

    @property
    def own(self) -> tuple[Runbook, ...]:
        """Return the runbooks without the index."""
        return tuple(runbook for name, runbook in self.runbooks.items() if name != README)

    def steps(self) -> Iterator[tuple[Runbook, Step]]:
        """Yield every step with its runbook."""
        for runbook in self.own:
            for step in runbook.steps:
                yield runbook, step


CHECKS = LintChecks[LintContext]()


def at(runbook: Runbook, line: int) -> Location:
    """Return a line of a runbook as a place."""
    lines = runbook.text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else None
    return Location(file=runbook.file, line=line, column=1, source=source)
