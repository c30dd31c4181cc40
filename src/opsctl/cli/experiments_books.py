"""The commands `opsctl experiments lint` and `plan`: are the books right, and are there enough units for them."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.finding_output import FailOn, Format
from opsctl.cli.options import Json, command
from opsctl.core.exit_codes import ExitCode
from opsctl.core.finding_formats import FindingFormat
from opsctl.core.findings import Severity


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `experiments`."""
    command(
        app,
        "opsctl experiments lint",
        "opsctl experiments lint --fail-on warning",
        "opsctl experiments lint --format github",
    )(lint)
    command(
        app,
        "opsctl experiments plan",
        "opsctl experiments plan four_or_six_agents --json",
        "opsctl experiments plan four_or_six_agents --from history/",
        "opsctl experiments plan --daily 2000 --population 10000 --start 2026-12-07",
    )(plan)


def lint(
    *, format: Format = FindingFormat.TEXT, fail_on: FailOn = Severity.ERROR, json: Json = False
) -> None:
    """Check the books of experiments: arms against the service, layers, sizes, times, and what has started. Exit 1: errors."""
    from opsctl.cli import experimenting, experiments_planning
    from opsctl.cli.finding_output import tell_findings

    experiments_planning.require_statistics()
    checked = experimenting.checked()
    count = len(checked.experiments)
    tell_findings(
        checked.findings,
        schema="opsctl.experiments.lint",
        suite="experiments",
        written=FindingFormat.JSON if json else format,
        fail_on=fail_on,
        looked_at=f"{count} {'experiment' if count == 1 else 'experiments'}",
        data={"experiments": [each.name for each in checked.experiments]},
    )


def plan(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Of experiments; default: all books.")
    ] = None,
    *,
    daily: Annotated[
        float | None, typer.Option("--daily", metavar="N", help="Different readers that come on a day.")
    ] = None,
    population: Annotated[
        float | None, typer.Option("--population", metavar="N", help="All there are; default: without end.")
    ] = None,
    evenness: Annotated[
        float | None,
        typer.Option("--evenness", metavar="K", min=0.01, help="How alike readers come; 0.5: very unlike."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", metavar="DATE", help="First day, for the dates; default: today.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Parquet files of an earlier run or a simulation, in whose control missing baselines are measured.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show which effect each metric can find, how many units that needs, and by which day they have come.

    With --daily all experiments are held against each other: as their books say, overlapping, mutually exclusive, each
    with and without the pre-period (CUPED). Exit 1: one is hopeless. Exit 5: of one nobody can say.
    """
    from opsctl.cli import experiments_planning as planning
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document

    first = planning.first_day(start)
    traffic = planning.traffic(daily=daily, population=population, evenness=evenness)
    found = planning.plan(planning.experiments(names or []), traffic=traffic, start=first, source=source)
    if json:
        ok = found.exit_code is ExitCode.GOOD
        print_document(document("opsctl.experiments.plan", data=planning.plan_data(found), ok=ok))
    else:
        planning.show(found)
    leave(found.exit_code)
