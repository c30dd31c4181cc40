"""The command `opsctl experiments assign`: which arm does a unit get, and why."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments assign 42",
        "opsctl experiments assign 42 43 --experiment four_or_six_agents --json",
        "seq 100000 | opsctl experiments assign --ndjson > arms.ndjson",
        "opsctl experiments assign 42 --experiment four_or_six_agents --sticky 1",
    )(assign)


def assign(
    units: Annotated[
        list[str] | None,
        typer.Argument(metavar="UNIT...", help="Ids; without any, one a line from standard input."),
    ] = None,
    *,
    experiment: Annotated[
        list[str] | None,
        typer.Option("--experiment", "-e", metavar="NAME", help="Only of these; default: all books."),
    ] = None,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="Print a line of JSON for each, at once.")] = False,
    sticky: Annotated[
        int | None,
        typer.Option(
            "--sticky",
            metavar="VERSION",
            min=0,
            help="Keep arms in the database, for when weights move; another version knows nothing of them.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show which arm units get, or why they get none, and where their hashes lie from 0 to 1.

    Computed from the books, and from the ramp of this project's starts. Ids are taken as they are: `42` and ` 42` are two.
    With --sticky a unit has the arm that it was first exposed to or given; without the database nothing is assigned.
    """
    from opsctl.cli import experiments_assigning as assigning
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_experiments import placement_data, show_placements

    assigners = assigning.assigners(experiment or [])
    with assigning.placements(assigners, units, sticky=sticky) as found:
        if ndjson:
            assigning.print_lines(found)
            return
        kept = assigning.all_of(found)
    if json:
        data = [placement_data(name, placement) for name, placement in kept]
        print_document(document("opsctl.experiments.assign", data=data, ok=True))
    else:
        show_placements(kept, with_points=bool(units))
