"""The command `opsctl experiments lint`: are the books right, each by itself and all together."""

import typer

from opsctl.cli.finding_output import FailOn, Format
from opsctl.cli.options import Json, command
from opsctl.core.finding_formats import FindingFormat
from opsctl.core.findings import Severity


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments lint",
        "opsctl experiments lint --fail-on warning",
        "opsctl experiments lint --format github",
    )(lint)


def lint(
    *, format: Format = FindingFormat.TEXT, fail_on: FailOn = Severity.ERROR, json: Json = False
) -> None:
    """Check the books of experiments: arms against the service, layers, sizes, times, and what has started. Exit 1: errors."""
    from opsctl.cli import experimenting
    from opsctl.cli.finding_output import tell_findings

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
