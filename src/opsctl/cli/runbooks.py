"""Commands of `opsctl runbooks`: what to do about an alert, checked, shown, and done step by step."""

import sys
from typing import Annotated

import typer

from opsctl.cli.finding_output import FailOn, Format
from opsctl.cli.options import DryRun, Json, command, group
from opsctl.core.exit_codes import ExitCode
from opsctl.core.finding_formats import FindingFormat
from opsctl.core.findings import Severity

app = group("Runbooks: what to do about each alert, checked and run step by step.")
Name = Annotated[str, typer.Argument(metavar="RULE", help="A rule, or an alert that came from one.")]


@command(app, "opsctl runbooks lint", "opsctl runbooks lint --fail-on warning --format github")
def lint(
    *, format: Format = FindingFormat.TEXT, fail_on: FailOn = Severity.ERROR, json: Json = False
) -> None:
    """Check the runbooks: one a rule, whole, commands that parse, links from alert to panel to drill and back. Exit 1: errors."""
    from opsctl.cli.finding_output import tell_findings
    from opsctl.cli.runbooking import lint_context
    from opsctl.runbooks.lint import lint_runbooks

    context = lint_context()
    steps = sum(len(each.steps) for each in context.runbooks.values())
    tell_findings(
        lint_runbooks(context),
        schema="opsctl.runbooks.lint",
        suite="runbooks",
        written=FindingFormat.JSON if json else format,
        fail_on=fail_on,
        looked_at=f"{len(context.runbooks)} runbooks, {steps} commands",
    )


@command(app, "opsctl runbooks list", name="list")
def list_runbooks(json: Json = False) -> None:
    """Show every runbook with the number of its steps, and of those that change something."""
    from opsctl.cli.document import document
    from opsctl.cli.runbooking import runbooks
    from opsctl.ui.console import print_document
    from opsctl.ui.show_runbooks import show_runbooks

    found = [each for each in runbooks().values() if each.steps]
    if json:
        rows = [{"name": each.name, "steps": each.steps} for each in found]
        print_document(document("opsctl.runbooks.list", data=rows, ok=True))
    else:
        show_runbooks(found)


@command(app, "opsctl runbooks show high_error_rate")
def show(name: Name, json: Json = False) -> None:
    """Show a runbook, its steps numbered."""
    from opsctl.cli.document import document
    from opsctl.cli.runbooking import runbook
    from opsctl.ui.console import print_document
    from opsctl.ui.show_runbooks import show_runbook

    found = runbook(name)
    if json:
        print_document(
            document(
                "opsctl.runbooks.show",
                data={"name": found.name, "text": found.text, "steps": found.steps},
                ok=True,
            )
        )
    else:
        show_runbook(found)


@command(
    app,
    "opsctl runbooks run high_error_rate",
    "opsctl runbooks run high_error_rate --step 2",
    "opsctl runbooks run vectors_unreachable --step 4 --yes",
)
def run(
    name: Name,
    *,
    step: Annotated[
        int | None, typer.Option("--step", "-s", min=1, help="This step; default: all that change nothing.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before a step that changes something.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Execute steps of a runbook. Without --step every step that only looks; one that changes something is asked for.

    Steps know $SERVICE_URL, $PROMETHEUS_URL, $ALERTMANAGER_URL, $SINK_URL and $DATABASE_URL. Exit 1: a command failed.
    Exit 4: a step changes something and nobody could be asked.
    """
    from opsctl.cli import runbooking
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.core.errors import RefusedError
    from opsctl.ui.console import print_document
    from opsctl.ui.show_runbooks import show_next, show_step

    book = runbooking.runbook(name)
    chosen = [runbooking.step(book, step)] if step else [each for each in book.steps if each.changes is None]
    done: list[runbooking.DoneStep] = []
    for each in chosen:
        show_step(each)
        if dry_run:
            continue
        if each.changes is not None and not yes:
            if not sys.stdin.isatty():
                raise RefusedError(
                    f"step {each.number} of `{book.name}` changes something: {each.changes}",
                    code="RBK091",
                    fix=f"`opsctl runbooks run {book.name} --step {each.number} --yes`, or --dry-run to look first",
                )
            if not typer.confirm("Run it?", err=True):
                continue
        done.append(runbooking.execute(each, is_captured=json))
    failed = any(each.exit_code != 0 for each in done)
    if json:
        data = {"name": book.name, "steps": chosen, "done": done}
        print_document(document("opsctl.runbooks.run", data=data, ok=not failed))
    show_next(book, last=chosen[-1].number if chosen else 0)
    leave(ExitCode.BAD_VERDICT if failed else ExitCode.GOOD)
