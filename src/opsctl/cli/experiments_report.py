"""The command `opsctl experiments report`: a page for each experiment, and one that lists them."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments report",
        "opsctl experiments report four_or_six_agents --out reports/experiments",
        "opsctl experiments report beta_or_epinet --markdown beta_or_epinet.md",
    )(report)


def report(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Of experiments; all that were started.")
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where the pages go; .opsctl/reports without it."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            metavar="FILE",
            help="Write the figures of one experiment into this file, between its marks, and leave all else as it is.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write a self-contained page for each experiment and an index: verdicts, lifts over time, units, looks, what a simulation knows."""
    from opsctl.cli import experiments_reporting as reporting
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document, print_line
    from opsctl.ui.progress import progress

    with progress() as listener:
        reported = reporting.reported(names or (), listener=listener)
    written = (
        reporting.write_markdown(markdown, reported) if markdown else reporting.write_pages(out, reported)
    )
    if json:
        print_document(
            document("opsctl.experiments.report", data={"files": [str(path) for path in written]}, ok=True)
        )
    else:
        for path in written:
            print_line(str(path))
