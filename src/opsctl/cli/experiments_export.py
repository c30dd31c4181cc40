"""The command `opsctl experiments export`: exposures and events as Parquet files, for histories that outgrow the database."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(app, "opsctl experiments export history/", "opsctl experiments export history/ --json")(export)


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Gets `exposures/`, `events/` and `export.json`.")
    ],
    *,
    json: Json = False,
) -> None:
    """Append what is new of all experiments to Parquet files, a folder a day; a killed export goes on when it is run again.

    `opsctl experiments analyze NAME --from FOLDER` reads them. Writers do not wait, and none of their rows is left out.
    """
    from opsctl.cli import wiring
    from opsctl.cli.filling import tell
    from opsctl.experiments.warehouse.export import export as run
    from opsctl.ui.progress import progress
    from opsctl.ui.show_experiments import exported_data, show_export

    with progress() as listener, wiring.backends(listener) as servers:
        exported = run(servers.database_address(), folder, listener=listener)
    tell(
        "opsctl.experiments.export",
        data=exported_data(exported, folder=str(folder)),
        json=json,
        show=lambda: show_export(exported, folder=str(folder)),
    )
