"""The commands `opsctl experiments start`, `ramp`, `stop` and `status`: what runs is what the database says."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of an experiment: its book without `.yaml`.")]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", metavar="NAME", help="Its name once more: nothing of this can be taken back."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs to the group `experiments`."""
    command(
        app,
        "opsctl experiments start four_or_six_agents --dry-run",
        "opsctl experiments start four_or_six_agents --confirm four_or_six_agents",
    )(start)
    command(app, "opsctl experiments ramp four_or_six_agents 0.5 --confirm four_or_six_agents")(ramp)
    command(
        app,
        "opsctl experiments stop less_diversity --why over --confirm less_diversity",
    )(stop)
    command(app, "opsctl experiments status", "opsctl experiments status --json")(status)


def start(name: Name, *, confirm: Confirm = None, dry_run: DryRun = False, json: Json = False) -> None:
    """Start an experiment: the service assigns readers within seconds, and its book is fixed. Exit 4: it was refused.

    Refused are an experiment that would probably end without an answer, a name that was started before, and one whose
    units a running experiment has.
    """
    from opsctl.cli import experiments_starting, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_experiments import show_start, started_data, warn_unwritten

    named = experiments_starting.startable(name)
    experiments_starting.require_confirmed("start", name, confirm=confirm, dry_run=dry_run)
    with progress() as listener, wiring.backends(listener) as servers:
        started = experiments_starting.start(servers, named, dry_run=dry_run)
        unwritten = experiments_starting.unwritten(servers, named)
    warn_unwritten(unwritten)
    data = {"dry_run": dry_run, "experiment": started_data(started), "unwritten_events": unwritten}
    tell("opsctl.experiments.start", data=data, json=json, show=lambda: show_start(started, dry_run=dry_run))


def ramp(
    name: Name,
    share: Annotated[float, typer.Argument(metavar="SHARE", help="Of the eligible units, such as 0.5.")],
    *,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Let more units into a running experiment; nobody who is in it moves. Exit 4: it was not confirmed."""
    from opsctl.cli import experiments_starting, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_experiments import show_ramp, started_data

    experiments_starting.require_confirmed("ramp", name, confirm=confirm, dry_run=dry_run)
    with progress() as listener, wiring.backends(listener) as servers:
        after = experiments_starting.ramp(servers, name, share=share, dry_run=dry_run)
    data = {"dry_run": dry_run, "ramp": share, "experiment": started_data(after)}
    tell(
        "opsctl.experiments.ramp",
        data=data,
        json=json,
        show=lambda: show_ramp(after, share=share, dry_run=dry_run),
    )


def stop(
    name: Name,
    *,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For whoever asks later.")] = "",
    confirm: Confirm = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """End a running experiment for everybody: its readers get what all get. Exit 4: it was not confirmed."""
    from opsctl.cli import experiments_starting, wiring
    from opsctl.cli.filling import tell
    from opsctl.ui.progress import progress
    from opsctl.ui.show_experiments import show_stop, started_data

    experiments_starting.require_confirmed("stop", name, confirm=confirm, dry_run=dry_run)
    with progress() as listener, wiring.backends(listener) as servers:
        ended = experiments_starting.stop(servers, name, why=why, dry_run=dry_run)
    data = {"dry_run": dry_run, "experiment": started_data(ended)}
    tell("opsctl.experiments.stop", data=data, json=json, show=lambda: show_stop(ended, dry_run=dry_run))


def status(*, json: Json = False) -> None:
    """Show every experiment: what runs, for how long, how many units saw each arm, and how often somebody looked.

    Exit 1: a book was changed after its start, or a clock went back.
    """
    from opsctl.cli import experimenting, wiring
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.core.exit_codes import ExitCode
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_experiments import show_standings

    with progress() as listener, wiring.backends(listener) as servers:
        found = experimenting.standings(servers)
    if json:
        data = found.standings
        print_document(document("opsctl.experiments.status", data=data, ok=found.ok, findings=found.findings))
    else:
        show_standings(found.standings, findings=found.findings)
    leave(ExitCode.GOOD if found.ok else ExitCode.BAD_VERDICT)
