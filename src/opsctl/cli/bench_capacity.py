"""The command `opsctl bench capacity`: the highest rate that meets the gates, and what a target needs."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command


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
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A load of ops/loads, or a file.")
    ] = "standard",
    *,
    workers: Annotated[
        str | None, typer.Option(metavar="N,N", help="Restart the stack's service with so many workers each.")
    ] = None,
    budget: Annotated[str, typer.Option(metavar="DURATION", help="For all searches together.")] = "10m",
    step: Annotated[
        str, typer.Option(metavar="DURATION", help="Length of a step; longer at low rates.")
    ] = "5s",
    start: Annotated[float, typer.Option(min=1, help="Rate of the first step, requests a second.")] = 500.0,
    highest: Annotated[float, typer.Option(min=1, help="No step goes beyond this rate.")] = 100_000.0,
    precision: Annotated[
        float, typer.Option(min=0.01, max=1, help="Width of the interval to end with.")
    ] = 0.08,
    gate: Annotated[
        list[str] | None, typer.Option(metavar="GATE", help="Instead of the book's gates, once each.")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, max=256, help="Sending processes.")] = None,
    target: Annotated[
        str | None, typer.Option(help="`service`, the one of this project, or an address on this machine.")
    ] = None,
    target_allow: Annotated[
        list[str] | None, typer.Option("--target-allow", metavar="HOST", help="Allow another host as target.")
    ] = None,
    target_rate: Annotated[
        float, typer.Option(min=1, help="Requests a second that are to be held.")
    ] = 10_000.0,
    target_users: Annotated[int, typer.Option(min=1, help="Users that are to be held.")] = 10_000,
    headroom: Annotated[float, typer.Option(min=0, max=0.9, help="Part of the capacity to keep free.")] = 0.3,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page of the last step that held.")
    ] = None,
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
