"""How does a failure look: what, where with a caret, why, and the next step."""

from collections.abc import Sequence

from opsctl.core.errors import OpsError
from opsctl.core.findings import Finding, Location, Severity
from opsctl.ui.console import err
from opsctl.ui.hanging import print_hanging
from opsctl.ui.places import from_here

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def show_error(error: OpsError) -> None:
    """Print an error to stderr, its findings first and its own summary last."""
    from rich.markup import escape

    show_findings(error.findings)
    console = err()
    print_hanging(console, f"[bold red]error\\[{error.code}]:[/] {escape(error.message)}")
    if error.location is not None:
        _show_location(error.location)
    if error.why:
        print_hanging(console, f"[dim]why:[/] {escape(error.why)}", first=2, indent=7)
    if error.fix:
        console.print()
        print_hanging(console, f"[cyan]hint:[/] {escape(error.fix)}", indent=6, has_commands=True)


def show_findings(findings: Sequence[Finding]) -> None:
    """Print findings to stderr in the manner of a compiler."""
    from rich.markup import escape

    console = err()
    for finding in findings:
        colour = _COLOURS[finding.severity]
        head = f"[bold {colour}]{finding.severity}\\[{finding.code}]:[/] {escape(finding.title)}"
        print_hanging(console, head)
        if finding.location is not None:
            _show_location(finding.location)
        if finding.evidence:
            print_hanging(console, f"[dim]seen:[/] {escape(finding.evidence)}", first=2, indent=8)
        if finding.fix:
            fix = f"[cyan]hint:[/] {escape(finding.fix)}"
            print_hanging(console, fix, first=2, indent=8, has_commands=True)
        console.print()


def _show_location(location: Location) -> None:
    from rich.markup import escape

    console = err()
    console.print(f"  [dim]-->[/] {escape(from_here(str(location)))}", highlight=False, soft_wrap=True)
    if location.source is None or location.line is None:
        return
    gutter = f"{location.line:>5} | "
    column = location.column or 1
    source, column = _window(location.source, column)
    console.print(f"[dim]{gutter}[/]{escape(source)}", highlight=False, soft_wrap=True)
    console.print(" " * (len(gutter) + column - 1) + "[bold]^[/]", highlight=False, soft_wrap=True)


def _window(source: str, column: int, *, width: int = 100) -> tuple[str, int]:
    """Cut a very long line down to what stands around the caret; tabs become one space each."""
    flat = source.replace("\t", " ")
    start = max(0, column - width // 2) if len(flat) > width else 0
    return flat[start : start + width], column - start
