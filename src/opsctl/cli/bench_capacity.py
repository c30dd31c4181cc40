"""The command `opsctl bench capacity`: the highest rate that meets the gates, and what a target needs."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.load_options import AllowedHosts, Gates, LoadName, Processes, Target
from opsctl.cli.options import DryRun, Json, command

Workers = Annotated[
    str | None, typer.Option(metavar="N,N", help="Restart the stack's service with so many workers each.")
]
Budget = Annotated[str, typer.Option(metavar="DURATION", help="For all searches together.")]
Step = Annotated[str, typer.Option(metavar="DURATION", help="Length of a step; longer at low rates.")]
Start = Annotated[float, typer.Option(min=1, help="Rate of the first step, requests a second.")]
Highest = Annotated[float, typer.Option(min=1, help="No step goes beyond this rate.")]
Precision = Annotated[float, typer.Option(min=0.01, max=1, help="Width of the interval to end with.")]
TargetRate = Annotated[float, typer.Option(min=1, help="Requests a second that are to be held.")]
TargetUsers = Annotated[int, typer.Option(min=1, help="Users that are to be held.")]
Headroom = Annotated[float, typer.Option(min=0, max=0.9, help="Part of the capacity to keep free.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page of the last step that held.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the group `bench`."""
    command(
        app,
        "opsctl bench capacity",
        "opsctl bench capacity --workers 1,2,4 --budget 10m",
        "opsctl bench capacity quick --gate 'p99 < 100ms' --target-rate 5000 --json",
        "opsctl bench capacity --dry-run",
    )(capacity)


def capacity(
    name: LoadName = "standard",
    *,
    workers: Workers = None,
    budget: Budget = "10m",
    step: Step = "5s",
    start: Start = 500.0,
    highest: Highest = 100_000.0,
    precision: Precision = 0.08,
    gate: Gates = None,
    processes: Processes = None,
    target: Target = None,
    target_allow: AllowedHosts = None,
    target_rate: TargetRate = 10_000.0,
    target_users: TargetUsers = 10_000,
    headroom: Headroom = 0.3,
    html: Html = None,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Find the highest rate that meets the gates, and what a target needs. Exit 1: no rate holds, 5: cannot tell."""
    from opsctl.bench.capacity.model import Target
    from opsctl.cli.capacity import CapacityRequest, run, show_plan
    from opsctl.cli.exit import leave

    request = CapacityRequest(
        name=name,
        workers=workers,
        budget=budget,
        step=step,
        start=start,
        highest=highest,
        precision=precision,
        gates=tuple(gate or ()),
        processes=processes,
        url=target,
        allowed=tuple(target_allow or ()),
        target=Target(rate=target_rate, users=target_users, headroom=headroom),
    )
    if dry_run:
        show_plan(request, json=json)
    else:
        leave(run(request, html=html, json=json))
