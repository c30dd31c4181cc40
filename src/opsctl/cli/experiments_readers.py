"""The command `opsctl experiments readers`: would they recommend the feed, do they come back, is it relevant to them?"""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments readers",
        "opsctl experiments readers --users 1000 --worlds 4",
        "opsctl experiments readers --simulated --json",
    )(readers)


def readers(
    *,
    users: Annotated[int, typer.Option(min=20, max=100_000, help="Simulated readers of a world.")] = 300,
    worlds: Annotated[int, typer.Option(min=1, max=100, help="Simulated worlds.")] = 2,
    simulated: Annotated[
        bool,
        typer.Option(
            "--simulated", help="Do not ask the database for real readers; no proof of the checklist."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Measure NPS, 30-day retention and the relevance of feeds, of real readers where enough of them are there.

    Else they are simulated, with the service's own ranking by the settings of its book, and every record says so. Whether
    the figures are enough, `opsctl checklist run` says. Exit 5: there were too few of
    anything to tell.
    """
    from opsctl.cli import reader_measuring
    from opsctl.cli.exit import leave
    from opsctl.cli.filling import tell
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.progress import progress
    from opsctl.ui.show_readers_measured import show_measures

    with progress() as listener:
        measures = reader_measuring.measure(
            users=users, worlds=worlds, asks_database=not simulated, listener=listener
        )
    data = reader_measuring.document_of(measures)
    tell("opsctl.experiments.readers", data=data, json=json, show=lambda: show_measures(measures))
    leave(ExitCode.INCONCLUSIVE if not all(each.is_told for each in measures) else ExitCode.GOOD)
