"""Are the runbooks right: one for every rule, whole, with commands that exist and links that lead somewhere."""

import inspect
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.core.findings import Finding, Location, Severity
from opsctl.runbooks.model import CHANGES, HEADINGS, STUB, Runbook, Step

_CHANGING = re.compile(
    r"opsctl\s+(stack\s+(up|down)|collections\s+(rebuild|rollback|gc)|catalog\s+(sync|import|generate|readers)"
    r"|cache\s+invalidate|security\s+keys\s+(create|revoke))\b(?!.*--(help|dry-run))|\brm\s|\bkill\b|pg_terminate_backend|-c analyze"
)
_PLACEHOLDER = re.compile(r"<[A-Z_]{2,}>|\bTODO\b|\bFIXME\b|\bXXX\b")
_PROMQL = re.compile(r"--data-urlencode 'query=(?P<expr>[^']*)'")
_README = "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """What a runbook must agree with: where its rule is written, the panel that shows it, the drill that proves it."""

    name: str
    file: str
    location: Location
    panel: str
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LintContext:
    """Everything that the checks look at.

    Args:
        runbooks: by file name.
        rules: that need one.
        panels: `dashboard/panel` of all dashboards; None where there are none.
        faults: that can be made.
        parses: says why a command of opsctl does not parse; None where it does. Nothing is run.
        shell: says why a text is no shell script; None where it is one.
        promql: says what is wrong with an expression; None where nothing is.
        exists: tells whether a relative link leads to a file.
    """

    runbooks: Mapping[str, Runbook]
    rules: Sequence[RuleFacts]
    panels: frozenset[str] | None
    faults: frozenset[str]
    parses: Callable[[list[str]], str | None]
    shell: Callable[[str], str | None]
    promql: Callable[[str], str | None]
    exists: Callable[[str], bool]


Complaint = tuple[str, Location, str | None]
CHECKS: dict[str, tuple[Callable[[LintContext], Iterator[Complaint]], Severity]] = {}


def lint_runbooks(context: LintContext) -> tuple[Finding, ...]:
    """Return what every check finds, by file and line."""
    found = [
        Finding(code=code, severity=severity, title=title, location=place, fix=fix)
        for code, (check, severity) in CHECKS.items()
        for title, place, fix in check(context)
    ]
    return tuple(sorted(found, key=_place))


def explanations() -> dict[str, str]:
    """Return the page of each code."""
    return {code: inspect.cleandoc(check.__doc__ or "") for code, (check, _) in CHECKS.items()}


def _check(code: str, severity: Severity = Severity.ERROR) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        CHECKS[code] = (function, severity)
        return function

    return add


@_check("RBK001")
def missing(context: LintContext) -> Iterator[Complaint]:
    """A rule has no runbook. `opsctl alerts render` writes a stub to be finished."""
    for rule in context.rules:
        if rule.file not in context.runbooks:
            yield (
                f"{rule.name} has no runbook `{rule.file}`",
                rule.location,
                "`opsctl alerts render` writes a stub",
            )


@_check("RBK002", Severity.WARNING)
def without_rule(context: LintContext) -> Iterator[Complaint]:
    """A runbook belongs to no rule: it was renamed or removed, and nobody will ever be led here."""
    files = {rule.file for rule in context.rules}
    for name, runbook in context.runbooks.items():
        if name not in files and name != _README:
            yield f"no rule leads to `{name}`", _at(runbook, 1), "rename it as its rule, or remove it"


@_check("RBK003")
def headings(context: LintContext) -> Iterator[Complaint]:
    """A runbook lacks one of Meaning, Impact, Diagnosis and Mitigation, has them in another order, or leaves one empty."""
    for runbook in _own(context):
        known = [each.text for each in runbook.headings]
        gone = [each for each in HEADINGS if each not in known]
        if gone:
            yield f"no heading {' and no heading '.join(gone)}", _at(runbook, 1), None
            continue
        if [each for each in known if each in HEADINGS] != list(HEADINGS):
            yield f"the headings are not in the order {', '.join(HEADINGS)}", _at(runbook, 1), None
        for heading in runbook.headings:
            if heading.text in HEADINGS and not heading.has_body:
                yield f"nothing stands below {heading.text}", _at(runbook, heading.line), None


@_check("RBK004")
def stub(context: LintContext) -> Iterator[Complaint]:
    """A runbook is still the stub that `opsctl alerts render` wrote: nobody has thought about this alert yet."""
    for runbook in _own(context):
        if STUB in runbook.text:
            yield "a stub that nobody has finished", _at(runbook, 1), "write what to do, then remove the mark"


@_check("RBK005")
def without_commands(context: LintContext) -> Iterator[Complaint]:
    """Diagnosis or Mitigation has no command: at night people copy, they do not compose."""
    for runbook in _own(context):
        for section in ("Diagnosis", "Mitigation"):
            if not runbook.of_section(section):
                line = next((each.line for each in runbook.headings if each.text == section), 1)
                yield f"{section} has no command", _at(runbook, line), "a fenced block of the kind `sh`"


@_check("RBK006")
def commands(context: LintContext) -> Iterator[Complaint]:
    """A command does not parse: a verb or an option that opsctl does not have, or no shell at all.

    Commands of opsctl are held against the real command tree, without being run; everything else against bash.
    """
    for runbook, step in _steps(context):
        problem = context.shell(step.command)
        if problem is not None:
            yield f"step {step.number} is no shell: {problem}", _at(runbook, step.line), None
            continue
        for line, words in _opsctl_calls(step):
            problem = context.parses(words)
            if problem is not None:
                yield (
                    f"step {step.number}: opsctl {' '.join(words)}: {problem}",
                    _at(runbook, line),
                    "`opsctl --help`",
                )


@_check("RBK007")
def expressions(context: LintContext) -> Iterator[Complaint]:
    """A question to Prometheus names a series, a label or a value that nobody exposes."""
    for runbook, step in _steps(context):
        for found in _PROMQL.finditer(step.command):
            problem = context.promql(found["expr"])
            if problem is not None:
                yield f"step {step.number}: {problem}", _at(runbook, step.line), None


@_check("RBK008")
def unmarked_change(context: LintContext) -> Iterator[Complaint]:
    """A command changes something and does not say so: `opsctl runbooks run` would not ask before it runs.

    Write `# changes: what it does` as the first line of the block.
    """
    for runbook, step in _steps(context):
        if step.changes is None and _CHANGING.search(step.command):
            yield (
                f"step {step.number} changes something and does not say so",
                _at(runbook, step.line),
                f"`{CHANGES} ...`",
            )


@_check("RBK009")
def links(context: LintContext) -> Iterator[Complaint]:
    """A link leads to a file or a heading that is not there."""
    for runbook in context.runbooks.values():
        for target, line in runbook.links:
            if "://" in target or target.startswith("mailto:"):
                continue
            if not context.exists(target):
                yield f"`{target}` leads nowhere", _at(runbook, line), None


@_check("RBK010")
def closed_graph(context: LintContext) -> Iterator[Complaint]:
    """Alert, panel, runbook and drill do not agree: following the links from one does not lead back to it.

    The runbook of a rule names the panel that the rule names, that panel exists, the drill is the rule's own, and its
    fault can be made.
    """
    for rule in context.rules:
        runbook = context.runbooks.get(rule.file)
        if runbook is None:
            continue
        if f"`{rule.panel}`" not in runbook.text:
            yield f"does not name the panel `{rule.panel}` of {rule.name}", _at(runbook, 1), None
        if context.panels is not None and rule.panel not in context.panels:
            yield f"the panel `{rule.panel}` is not there", rule.location, "`opsctl dashboards lint`"
        if rule.fault is not None and f"`{rule.fault}`" not in runbook.text:
            yield f"does not name the drill `{rule.fault}` of {rule.name}", _at(runbook, 1), None
        if rule.fault is not None and rule.fault not in context.faults:
            yield f"the fault `{rule.fault}` cannot be made", rule.location, "`opsctl alerts prove --list`"


@_check("RBK011")
def placeholders(context: LintContext) -> Iterator[Complaint]:
    """A command holds something to be filled in, which nobody does at night, or a note to finish it later."""
    for runbook, step in _steps(context):
        found = _PLACEHOLDER.search(step.command)
        if found is not None:
            yield (
                f"step {step.number} holds `{found[0]}`",
                _at(runbook, step.line),
                "a variable such as $SERVICE_URL",
            )


@_check("RBK012")
def index(context: LintContext) -> Iterator[Complaint]:
    """README.md of the runbooks does not name one of them."""
    readme = context.runbooks.get(_README)
    if readme is None:
        return
    for rule in context.rules:
        if rule.file in context.runbooks and f"({rule.file})" not in readme.text:
            yield f"does not name `{rule.file}`", _at(readme, 1), None


def _own(context: LintContext) -> list[Runbook]:
    return [runbook for name, runbook in context.runbooks.items() if name != _README]


def _steps(context: LintContext) -> Iterator[tuple[Runbook, Step]]:
    for runbook in _own(context):
        for step in runbook.steps:
            yield runbook, step


def _opsctl_calls(step: Step) -> Iterator[tuple[int, list[str]]]:
    """Yield the arguments of each call of opsctl, with its line; pipes and `&&` end a call."""
    for offset, line in enumerate(step.command.splitlines()):
        for part in re.split(r"&&|\|\||[|;]", line):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:
                continue  # a quote that is closed further on; bash has looked at the whole
            if words and words[0] == "opsctl":
                yield step.line + offset, words[1:]


def _at(runbook: Runbook, line: int) -> Location:
    lines = runbook.text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else None
    return Location(file=runbook.file, line=line, column=1, source=source)


def _place(finding: Finding) -> tuple[str, int, str]:
    place = finding.location
    return (place.file, place.line or 0, finding.code) if place else ("", 0, finding.code)
