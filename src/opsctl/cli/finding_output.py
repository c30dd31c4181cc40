"""How does a lint command end: its findings in the form that was asked for, and the exit code of the worst."""

from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from opsctl.core.exit_codes import ExitCode
from opsctl.core.finding_formats import FindingFormat
from opsctl.core.findings import Finding, Severity

Format = Annotated[FindingFormat, typer.Option("--format", "-f", help="text, json, sarif, junit or github.")]
FailOn = Annotated[
    Severity, typer.Option("--fail-on", help="Exit 1 from this severity on: error, warning or info.")
]


def tell_findings(
    findings: Sequence[Finding],
    *,
    schema: str,
    suite: str,
    written: FindingFormat,
    fail_on: Severity,
    looked_at: str,
    data: object = None,
    in_short: Sequence[Finding] | None = None,
) -> NoReturn:
    """Print findings and end the command.

    Args:
        findings: in the order in which they are shown.
        schema: of the JSON document, such as `opsctl.alerts.lint`.
        suite: name in JUnit, such as `alerts`.
        written: the form.
        fail_on: the least severity that makes the verdict bad.
        looked_at: what was checked, for the sentence when all is well, such as `39 rules`.
        data: of the JSON document.
        in_short: what a person is shown instead, where many findings are one; programs always get all.
    """
    from opsctl import __version__
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.cli.explain import explanation_of
    from opsctl.core import finding_formats
    from opsctl.ui.console import print_document, print_line
    from opsctl.ui.show_error import show_findings

    is_bad = any(finding_formats.reaches(finding, fail_on) for finding in findings)
    match written:
        case FindingFormat.JSON:
            print_document(document(schema, data=data, ok=not is_bad, findings=findings))
        case FindingFormat.SARIF:
            print_line(finding_formats.sarif(findings, version=__version__, explain=explanation_of).rstrip())
        case FindingFormat.JUNIT:
            print_line(finding_formats.junit(findings, suite=suite).rstrip())
        case FindingFormat.GITHUB:
            print_line(finding_formats.github(findings).rstrip())
        case FindingFormat.TEXT:
            show_findings(findings if in_short is None else in_short)
            print_line(_summary(findings, looked_at))
    leave(ExitCode.BAD_VERDICT if is_bad else ExitCode.GOOD)


def _summary(findings: Sequence[Finding], looked_at: str) -> str:
    if not findings:
        return f"✔ {looked_at}: nothing found"
    counts = {severity: sum(each.severity is severity for each in findings) for severity in Severity}
    worst_first = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    told = ", ".join(_counted(counts[severity], severity) for severity in worst_first if counts[severity])
    return f"{looked_at}: {told}; `opsctl explain CODE` says more"


def _counted(count: int, severity: Severity) -> str:
    """Say how many; `info` has no plural."""
    return f"{count} {severity}{'' if count == 1 or severity is Severity.INFO else 's'}"
