"""The command `opsctl alerts test`: rules by promtool, routes by amtool, and rules that are wrong on purpose."""

import math
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import Json, command
from opsctl.core.exit_codes import ExitCode


def register(app: typer.Typer) -> None:
    """Add the verb to the group `alerts`."""
    command(
        app,
        "opsctl alerts test",
        "opsctl alerts test high_error_rate availability --mutation",
        "opsctl alerts test --junit alerts.xml --json",
        name="test",
    )(check_rules)


def _a_number(value: float) -> float:
    """Refuse NaN, which no range keeps out and no score is below."""
    if math.isnan(value):
        raise typer.BadParameter("`nan` is no part of anything")
    return value


def check_rules(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[RULE]...", help="Rules or alerts; all without any.")
    ] = None,
    *,
    mutation: Annotated[
        bool, typer.Option("--mutation", help="Also test rules that are wrong in one thing; each must fail.")
    ] = False,
    least_score: Annotated[
        float,
        typer.Option(
            "--min-mutation-score",
            min=0,
            max=1,
            callback=_a_number,
            help="Exit 1 below this part of noticed mutants.",
        ),
    ] = 0.9,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the findings as JUnit.")
    ] = None,
    json: Json = False,
) -> None:
    """Test the alert books for real: every alert fires, stays silent, waits, ends; every route leads where it should.

    Exit 1: a test fails, an alert lacks a case, or too many mutants survive. Exit 3: promtool or amtool is missing; then
    the expressions are at least parsed. Exit 5: amtool is older than a key of the routes, and all else is well.
    """
    from opsctl.cli import alert_testing
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.clients.files import write_atomically
    from opsctl.core.finding_formats import junit as as_junit
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_alert_tests import show_report

    with progress() as listener:
        report = alert_testing.run(names or (), mutation=mutation, listener=listener)
    ended = alert_testing.exit_code(report, least_score=least_score)
    if junit is not None:
        write_atomically(junit, as_junit(report.findings, suite="alerts"))
    if json:
        print_document(
            document(
                "opsctl.alerts.test",
                data=alert_testing.as_data(report),
                ok=ended is ExitCode.GOOD,
                findings=report.findings,
            )
        )
    else:
        show_report(report, least_score=least_score)
    leave(ended)
