"""Commands of `opsctl runbooks`: what to do about an alert, checked, shown, and done step by step."""

from typing import Annotated

import typer

from opsctl.cli.finding_output import FailOn, Format
from opsctl.cli.options import DryRun, Json, command, group
from opsctl.core.exit_codes import ExitCode
from opsctl.core.finding_formats import FindingFormat
from opsctl.core.findings import Severity

app = group("Runbooks: what to do about each alert and each loss, checked and run step by step.")
Name = Annotated[str, typer.Argument(metavar="RULE", help="A rule, an alert that came from one, or a loss.")]


@command(app, "opsctl runbooks lint", "opsctl runbooks lint --fail-on warning --format github")
def lint(
    *, format: Format = FindingFormat.TEXT, fail_on: FailOn = Severity.ERROR, json: Json = False
) -> None:
    """Check the runbooks: one a rule and loss, whole, commands that parse, links from alert to panel to drill and back. Exit 1: errors."""
    from opsctl.cli.finding_output import tell_findings
    from opsctl.cli.runbook_checking import lint_context
    from opsctl.runbooks.lint.run import lint_runbooks

    context = lint_context()
    steps = sum(1 for _ in context.steps())
    tell_findings(
        lint_runbooks(context),
        schema="opsctl.runbooks.lint",
        suite="runbooks",
        written=FindingFormat.JSON if json else format,
        fail_on=fail_on,
        looked_at=f"{len(context.own)} runbooks, {steps} commands",
    )


@command(app, "opsctl runbooks list", name="list")
def list_runbooks(json: Json = False) -> None:
    """Show every runbook with the number of its steps, and of those that change something."""
    from opsctl.cli.document import document
    from opsctl.cli.runbooking import runbooks
    from opsctl.runbooks.model import README
    from opsctl.ui.console import print_document
    from opsctl.ui.show_runbooks import show_runbooks

    found = [each for file, each in runbooks().items() if file != README]
    if json:
        rows = [{"name": each.name, "steps": each.steps} for each in found]
        print_document(document("opsctl.runbooks.list", data=rows, ok=True))
    else:
        show_runbooks(found)


@command(app, "opsctl runbooks show high_error_rate", "opsctl runbooks show availability_burn_fast")
def show(name: Name, json: Json = False) -> None:
    """Show a runbook, its steps numbered."""
    from opsctl.cli.document import document
    from opsctl.cli.runbooking import runbook
    from opsctl.ui.console import print_document
    from opsctl.ui.show_runbooks import show_runbook

    found = runbook(name)
    if json:
        data = {"name": found.name, "text": found.text, "steps": found.steps}
        print_document(document("opsctl.runbooks.show", data=data, ok=True))
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

    Steps know $SERVICE_URL, $PROMETHEUS_URL, $ALERTMANAGER_URL, $SINK_URL and $DATABASE_URL; what only you know, such as
    $POINT, is set before. Exit 1: a command failed. Exit 3: a step needs something that does not run, or that nobody set.
    Exit 4: a step changes something, and nobody said yes.
    """
    from opsctl.cli import runbook_running, runbooking, wiring
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.runbooks.run import next_step, run_steps
    from opsctl.ui.show_runbooks import hear_output, show_end, step_teller

    book = runbooking.runbook(name)
    with ends_as_by_ctrl_c():
        results = run_steps(
            book,
            runbooking.chosen_steps(book, step),
            shell=None if dry_run else runbook_running.bash(heard=hear_output if json else None),
            allows=runbook_running.asks_first(book.name, yes=yes),
            clock=wiring.clock(),
            listener=step_teller,
        )
    code = runbook_running.exit_code(results)
    following = next_step(book, results)
    if json:
        runbook_running.print_results(book, results, following=following, ok=code is ExitCode.GOOD)
    else:
        show_end(book, following)
    leave(code)
