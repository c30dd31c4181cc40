"""Do the commands of the runbooks exist, are their changes announced, and is nothing left to be filled in?"""

import re
from collections.abc import Iterator

from opsctl.core.lint_checks import Complaint
from opsctl.runbooks.calls import opsctl_calls
from opsctl.runbooks.changing import changes_something
from opsctl.runbooks.lint.registry import CHECKS, LintContext, at
from opsctl.runbooks.model import ASKED, CHANGES

_PLACEHOLDER = re.compile(
    r"<[A-Za-z][\w -]*>|\bTODO\b|\bFIXME\b|\bXXX\b|\.\.\.|\bCHANGE_?ME\b|\bexample\.(?:com|org)\b"
)
_PROMQL = re.compile(r"--data-urlencode 'query=(?P<expr>[^']*)'")
_GIVEN = frozenset({"HOME", "PATH", "PWD", "USER", "HOSTNAME", "RANDOM", "SECONDS", "TMPDIR"})
_WITH_RULE = {("alerts", "prove"), ("alerts", "test"), ("runbooks", "show"), ("runbooks", "run")}


@CHECKS.check("RBK005")
def without_commands(context: LintContext) -> Iterator[Complaint]:
    """Diagnosis or Mitigation has no command: at night people copy, they do not compose."""
    for runbook in context.own:
        for section in ("Diagnosis", "Mitigation"):
            line = next((each.line for each in runbook.headings if each.text == section), None)
            if line is not None and not runbook.of_section(section):
                yield Complaint(
                    title=f"{section} has no command",
                    location=at(runbook, line),
                    fix="a fenced block of the kind `sh`",
                )


@CHECKS.check("RBK006")
def commands(context: LintContext) -> Iterator[Complaint]:
    """A command does not parse: a verb or an option that opsctl does not have, or no shell at all.

    Commands of opsctl are held against the real command tree, without being run; everything else against bash.
    """
    for runbook, step in context.steps():
        problem = context.shell(step.command)
        if problem is not None:
            yield Complaint(
                title=f"step {step.number} is no shell script: {problem}", location=at(runbook, step.line)
            )
            continue
        for line, words in opsctl_calls(step):
            problem = context.parses(words)
            if problem is not None:
                yield Complaint(
                    title=f"step {step.number}: `opsctl {' '.join(words)}`: {problem}",
                    location=at(runbook, line),
                    fix="`opsctl --help` shows what there is",
                )


@CHECKS.check("RBK007")
def expressions(context: LintContext) -> Iterator[Complaint]:
    """A question to Prometheus names a series, a label or a value that nobody exposes."""
    for runbook, step in context.steps():
        for found in _PROMQL.finditer(step.command):
            problem = context.promql(found["expr"])
            if problem is not None:
                yield Complaint(title=f"step {step.number}: {problem}", location=at(runbook, step.line))


@CHECKS.check("RBK008")
def unmarked_change(context: LintContext) -> Iterator[Complaint]:
    """A command changes something, or may, and does not say what: `opsctl runbooks run` asks, and cannot say either.

    Write `# changes: what it does` as the first line of the block. A command of opsctl counts as changing where it has
    `--dry-run` or `--yes`; of others those that write, end, remove or send. What runs something that does not stand there
    counts, too: `$(...)`, backticks, `<(...)`, `eval`, `source`, `bash -c`, `xargs`, or a command in a variable.
    """
    for runbook, step in context.steps():
        if step.mark == "" or (step.mark is None and changes_something(step, context.is_changing)):
            yield Complaint(
                title=f"step {step.number} changes something and does not say what",
                location=at(runbook, step.line),
                fix=f"`{CHANGES} what it does` as the first line of the block",
            )


@CHECKS.check("RBK011")
def placeholders(context: LintContext) -> Iterator[Complaint]:
    """A command holds something to be filled in, which nobody does at night, or a note to finish it later."""
    for runbook, step in context.steps():
        found = _PLACEHOLDER.search(step.command.removeprefix(CHANGES))
        if found is not None:
            yield Complaint(
                title=f"step {step.number} holds `{found[0]}`, to be filled in by hand",
                location=at(runbook, step.line),
                fix="a variable such as $SERVICE_URL, or the value itself",
            )


@CHECKS.check("RBK016")
def names(context: LintContext) -> Iterator[Complaint]:
    """A command names a rule, an alert, a loss or a code that is not there."""
    rules = {rule.name for rule in context.rules} | {name for node in context.nodes for name in node.alerts}
    rules |= {each.file.removesuffix(".md") for each in context.recoveries}
    for runbook, step in context.steps():
        for line, words in opsctl_calls(step):
            for name in _unknown_names(words, rules=rules, context=context):
                yield Complaint(
                    title=f"step {step.number}: there is no `{name}`",
                    location=at(runbook, line),
                    fix="`opsctl alerts list`, `opsctl dr scenarios` and `opsctl explain` show what there is",
                )


@CHECKS.check("RBK018")
def variables(context: LintContext) -> Iterator[Complaint]:
    """A command uses a variable that `opsctl runbooks run` does not give it, so it would stop there.

    What only a person knows, such as POINT, the moment to go back to, is set before: `POINT=... opsctl runbooks run NAME`.
    """
    for runbook, step in context.steps():
        for name in sorted(step.variables - context.variables - ASKED - _GIVEN):
            yield Complaint(
                title=f"step {step.number} uses ${name}, which nobody sets",
                location=at(runbook, step.line),
                fix=f"one of {', '.join(f'${each}' for each in sorted(context.variables | ASKED))}",
            )


def _unknown_names(words: list[str], *, rules: set[str], context: LintContext) -> Iterator[str]:
    """Yield the names of a call that nothing has."""
    bare = [word for word in words if not word.startswith("-")]
    if tuple(bare[:2]) in _WITH_RULE and rules:
        first = bare[2:3] if bare[0] == "runbooks" else bare[2:]
        yield from (name for name in first if name not in rules)
    if tuple(bare[:2]) == ("dr", "drill") and context.recoveries:
        losses = {each.name for each in context.recoveries}
        yield from (name for name in bare[2:] if name not in losses)
    if bare[:1] == ["explain"] and context.codes:
        yield from (
            name for name in bare[1:2] if name.upper() not in context.codes and name not in context.codes
        )
