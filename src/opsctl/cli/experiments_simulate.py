"""The command `opsctl experiments simulate`: a book is run where the truth is known, before any reader is asked."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command


def register(app: typer.Typer) -> None:
    """Add the verb to the group `experiments`."""
    command(
        app,
        "opsctl experiments simulate four_or_six_agents",
        "opsctl experiments simulate beta_or_epinet --seeds 3",
        "opsctl experiments simulate --all",
    )(simulate)


def simulate(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Of experiments with a part `simulation`.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that have one.")] = False,
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, max=1000, help="Worlds, instead of the book's number.")
    ] = None,
    robust: Annotated[
        bool,
        typer.Option(
            "--robust/--no-robust", help="Also look whether other kinds of worlds turn the effect round."
        ),
    ] = True,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, max=64, help="At once; one a core without it.")
    ] = None,
    json: Json = False,
) -> None:
    """Run experiments on simulated readers: events as a service would log them, the true effects, and regret over many worlds.

    Readers get their arms by the service's own assignment. The same book gives the same numbers on every machine.
    """
    from opsctl.cli import experiments_simulating as simulating
    from opsctl.cli.document import document
    from opsctl.core.errors import UsageError
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_study import show_study, study_data

    if bool(names) == everything:
        raise UsageError(
            "which experiments are to be simulated?",
            code="EXP129",
            fix="name some, or all that have a part `simulation`: opsctl experiments simulate --all",
        )
    chosen = simulating.chosen(names or ())
    with progress() as listener:
        studies = [
            simulating.simulated(
                named, seeds=seeds, with_variants=robust, processes=processes, listener=listener
            )
            for named in chosen
        ]
    if json:
        data = {"studies": [study_data(each) for each in studies]}
        print_document(document("opsctl.experiments.simulate", data=data, ok=True))
    else:
        for study in studies:
            show_study(study)
