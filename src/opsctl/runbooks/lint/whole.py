"""Is there a runbook for every rule and every loss, is it whole, and does it say of it what the book says?"""

from collections.abc import Iterator

from opsctl.core.findings import Severity
from opsctl.core.lint_checks import Complaint
from opsctl.runbooks.lint.registry import CHECKS, LintContext, at
from opsctl.runbooks.model import HEADINGS, README, RECOVERS, STUB


@CHECKS.check("RBK001")
def missing(context: LintContext) -> Iterator[Complaint]:
    """A rule has no runbook, or a loss that is drilled has none. `opsctl alerts render` writes a stub for a rule.

    A drill of a loss runs the commands below Mitigation, one after the other: without a runbook it has nothing to do.
    """
    places = {node.rule: node.location for node in context.nodes}
    for rule in context.rules:
        if rule.file not in context.runbooks:
            yield Complaint(
                title=f"{rule.name} has no runbook `{rule.file}`",
                location=places.get(rule.name),
                fix="`opsctl alerts render` writes a stub",
            )
    for recovery in context.recoveries:
        if recovery.file not in context.runbooks:
            yield Complaint(
                title=f"the loss {recovery.name} has no runbook `{recovery.file}`",
                location=recovery.book,
                fix="write it; the drill runs the commands below its Mitigation",
            )


@CHECKS.check("RBK002", Severity.WARNING)
def without_rule(context: LintContext) -> Iterator[Complaint]:
    """A runbook belongs to no rule and to no loss: its book was renamed or removed, and nobody will ever be led here.

    The runbook of a loss in `ops/recoveries/NAME.yaml` is `recover_NAME.md`.
    """
    files = {each.file for each in context.needing}
    for name, runbook in context.runbooks.items():
        if name not in files and name != README:
            what = "loss" if name.startswith(RECOVERS) else "rule"
            yield Complaint(
                title=f"no {what} leads to `{name}`",
                location=at(runbook, 1),
                fix=f"name it as its {what}, or remove it",
            )


@CHECKS.check("RBK003")
def headings(context: LintContext) -> Iterator[Complaint]:
    """A runbook lacks one of Meaning, Impact, Diagnosis and Mitigation, has them in another order, or leaves one empty."""
    for runbook in context.own:
        known = [each.text for each in runbook.headings if each.text in HEADINGS]
        gone = [each for each in HEADINGS if each not in known]
        if gone:
            yield Complaint(title=f"no heading {' and no heading '.join(gone)}", location=at(runbook, 1))
        elif known != list(HEADINGS):
            yield Complaint(
                title=f"the headings are not {', '.join(HEADINGS)}, once each and in this order",
                location=at(runbook, 1),
            )
        for heading in runbook.headings:
            if heading.text in HEADINGS and not heading.has_body:
                yield Complaint(
                    title=f"nothing stands below {heading.text}", location=at(runbook, heading.line)
                )


@CHECKS.check("RBK004")
def stub(context: LintContext) -> Iterator[Complaint]:
    """A runbook is still the stub that `opsctl alerts render` wrote: nobody has thought about this alert yet."""
    for runbook in context.own:
        if STUB in runbook.text:
            yield Complaint(
                title="a stub that nobody has finished",
                location=at(runbook, 1),
                fix="write what to do, then remove the mark",
            )


@CHECKS.check("RBK012")
def index(context: LintContext) -> Iterator[Complaint]:
    """README.md of the runbooks does not name one of them, or says of its rule or loss what the book does not."""
    readme = context.runbooks.get(README)
    if readme is None:
        return
    lines = set(readme.text.splitlines())
    for each in context.needing:
        if each.file in context.runbooks and each.index_row not in lines:
            line = next((link.line for link in readme.links if link.target == each.file), 1)
            yield Complaint(
                title=f"does not say of {each.name} what the book says",
                location=at(readme, line),
                fix=each.index_row,
            )


@CHECKS.check("RBK013")
def flaws(context: LintContext) -> Iterator[Complaint]:
    """A fenced block is never closed, or does not say what it holds, so `opsctl runbooks run` cannot know its steps.

    A command is a block of the kind `sh`; an example of an answer is one of the kind `text` or `json`.
    """
    for runbook in context.own:
        for flaw in runbook.flaws:
            yield Complaint(title=flaw.title, location=at(runbook, flaw.line), fix="```sh above, ``` below")


@CHECKS.check("RBK014")
def numbers(context: LintContext) -> Iterator[Complaint]:
    """The number before a command is not that of the step.

    Steps count through the whole runbook, so that `--step 5` is what the page calls 5.
    """
    for runbook, step in context.steps():
        if step.listed != step.number:
            said = f"{step.listed}." if step.listed else "no number"
            yield Complaint(
                title=f"step {step.number} has {said} before it",
                location=at(runbook, step.line),
                fix=f"begin its sentence with `{step.number}.`",
            )


@CHECKS.check("RBK015")
def facts(context: LintContext) -> Iterator[Complaint]:
    """The facts below the title of a runbook are not those of its book, which was changed while this was not.

    Of a rule these are severity, receivers, panel and drill; of a loss what is lost, who tells of it, and its drill.
    """
    for each in context.needing:
        runbook = context.runbooks.get(each.file)
        if runbook is not None and STUB not in runbook.text and each.row not in runbook.text.splitlines():
            line = _line_of_facts(runbook.text)
            yield Complaint(
                title=f"does not say of {each.name} what the book says",
                location=at(runbook, line),
                fix=each.row,
            )


def _line_of_facts(text: str) -> int:
    """Return the line of the table's only row; the first line where there is no table."""
    rows = [number for number, line in enumerate(text.splitlines(), start=1) if line.startswith("| ")]
    return rows[1] if len(rows) > 1 else 1
