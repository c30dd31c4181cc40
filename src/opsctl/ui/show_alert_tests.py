"""How do tests of alerts look: what failed, what was covered, and which wrong rules nobody noticed."""

from opsctl.alerts.testing.run import TestReport
from opsctl.ui.console import hint, print_line
from opsctl.ui.show_error import show_findings


def show_report(report: TestReport, *, least_score: float) -> None:
    """Print the verdict of each part."""
    show_findings(report.findings)
    cases = sum(report.cases.values())
    mark = {"pass": "✔", "fail": "✘"}.get(report.verdict, "?")
    print_line(f"{mark} {len(report.cases)} alerts, {cases} cases, {report.failures} failures")
    score = report.mutation_score
    if score is None:
        hint(
            "`--mutation` also tests rules that are wrong in one thing, and shows which of them nobody would notice"
        )
        return
    for survivor in report.survivors:
        print_line(f"  survives: {survivor.alert}: {survivor.change}")
    mark = "✔" if score >= least_score else "✘"
    print_line(f"{mark} {report.mutants} mutants, {score:.1%} noticed, at least {least_score:.0%} wanted")
