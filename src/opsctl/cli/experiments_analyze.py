"""The command `opsctl experiments analyze`: what does an experiment say, and what follows."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.experiments_running import Name
from opsctl.cli.options import Json, command

_FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
]


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments analyze four_or_six_agents",
        "opsctl experiments analyze less_diversity --from history/ --at 2026-12-06",
        "opsctl experiments analyze beta_or_epinet --json",
    )(analyze)


def analyze(
    name: Name,
    *,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Parquet files, such as `opsctl experiments export` writes; else PostgreSQL, or the simulation's own.",
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at", metavar="TIME", formats=_FORMATS, help="What was to be seen then, in UTC; now without it."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Analyse an experiment by the rules of its book, and say what follows: ship, do not ship, keep running, or invalid.

    Each look is recorded before anything is shown. Exit 0: ship; 1: do not ship, or invalid; 4: a method is not certified;
    5: keep running.
    """
    from opsctl.cli import experiments_analyzing as analyzing
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.experiments.analysis.document import to_document
    from opsctl.experiments.verdict import Outcome
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_analysis import show_analysis

    with progress() as listener:
        analysis = analyzing.analysed(name, source=source, at=at, listener=listener)
    if json:
        is_good = analysis.verdict.outcome is Outcome.SHIP
        print_document(document("opsctl.experiments.analyze", data=to_document(analysis), ok=is_good))
    else:
        show_analysis(analysis)
    leave(analyzing.exit_code(analysis))
