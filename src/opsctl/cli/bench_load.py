"""The command `opsctl bench load`: send a load at planned times, and say whether the service holds it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command


class EngineName(StrEnum):
    """Who sends."""

    OPSCTL = "opsctl"
    LOCUST = "locust"


class LoopName(StrEnum):
    """Whether requests wait for answers before they are sent."""

    OPEN = "open"
    CLOSED = "closed"


def register(app: typer.Typer) -> None:
    """Add the verb to the group `bench`."""
    command(
        app,
        "opsctl bench load",
        "opsctl bench load quick --html load.html",
        "opsctl bench load --rate 2000 --duration 1m --gate 'p99 < 100ms' --json",
        "opsctl bench load --target http://127.0.0.1:8000 --replay requests.jsonl --speed 2x",
        "opsctl bench load quick --engine locust --locustfile ops/loads/feed_scenario.py --rate 20",
        "opsctl bench load --dry-run",
    )(load)


def load(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A load of ops/loads, or a file.")
    ] = "standard",
    *,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Highest rate a second; the others in proportion.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="Of the whole plan, such as 1m; phases in proportion.")
    ] = None,
    users: Annotated[
        int | None, typer.Option(min=1, help="How many users ask; of a locustfile, how many it starts.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of arrivals, users and items.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, max=256, help="Sending processes.")] = None,
    connections: Annotated[
        int | None, typer.Option(min=1, max=20_000, help="Connections of each process.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="`service`, the one of this project, or an address on this machine.")
    ] = None,
    target_allow: Annotated[
        list[str] | None, typer.Option("--target-allow", metavar="HOST", help="Allow another host as target.")
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="Who sends.")] = EngineName.OPSCTL,
    locustfile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Scenarios for Locust instead of the mix; `opsctl init` writes two examples."
        ),
    ] = None,
    spawn_rate: Annotated[
        float | None, typer.Option(min=0.01, help="Users of the locustfile started a second.")
    ] = None,
    expect_workers: Annotated[
        int, typer.Option(min=0, max=1000, help="Be the master of so many Locust workers that you start.")
    ] = 0,
    bind: Annotated[
        str,
        typer.Option(metavar="HOST:PORT", help="Where workers find the master; they get the API key there."),
    ] = "127.0.0.1:0",
    web: Annotated[
        bool, typer.Option("--web", help="Serve Locust's own page on loopback meanwhile.")
    ] = False,
    loop: Annotated[
        LoopName | None,
        typer.Option(help="`closed` hides waiting and follows no rates; for comparison only."),
    ] = None,
    gate: Annotated[
        list[str] | None, typer.Option(metavar="GATE", help="Instead of the book's gates, once each.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Send a recorded log of requests, at its own times; forms in docs/bench.md."
        ),
    ] = None,
    speed: Annotated[str, typer.Option(metavar="FACTOR", help="How fast to replay, such as 2x.")] = "1x",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with plots.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write gates as JUnit XML.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a summary for a pull request.")
    ] = None,
    hgrm: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the response times as an HdrHistogram.")
    ] = None,
    ndjson: Annotated[
        bool, typer.Option("--ndjson", help="A JSON line a second on stdout, the report last.")
    ] = False,
    baseline: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare with the run that this baseline stands for.")
    ] = None,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit 1 when it is worse than the baseline.")
    ] = False,
    noise_floor: Annotated[
        float, typer.Option(min=0.001, max=1, help="A difference to the baseline below this is not claimed.")
    ] = 0.05,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Send a load at planned times and judge it by its gates. Exit 1: a gate was missed, 5: invalid or cannot tell."""
    from opsctl.bench.load.adjust import Adjustments
    from opsctl.bench.locust.settings import LocustSettings, address_of_bind, require_locustfile
    from opsctl.cli.exit import leave
    from opsctl.cli.load_outputs import Outputs
    from opsctl.cli.loading import LoadRequest, run, show_plan

    changes = Adjustments(
        rate=rate,
        duration=duration,
        users=None if locustfile else users,
        seed=seed,
        processes=processes,
        connections=connections,
        target=target,
        loop=loop,
        gates=gate or (),
    )
    host, port = address_of_bind(bind)
    scenarios = LocustSettings(
        locustfile=locustfile,
        users=users if locustfile else None,
        spawn_rate=spawn_rate,
        expect_workers=expect_workers,
        bind=host,
        bind_port=port,
        web_port=0 if web else None,
    )
    if engine is EngineName.LOCUST:
        require_locustfile(scenarios)
    request = LoadRequest(
        name=name,
        changes=changes,
        allowed=tuple(target_allow or ()),
        engine=engine,
        locust=scenarios,
        replay=replay,
        speed=speed,
        baseline=baseline,
        fail_on_regression=fail_on_regression,
        noise_floor=noise_floor,
    )
    outputs = Outputs(html=html, junit=junit, markdown=markdown, hgrm=hgrm, ndjson=ndjson, json=json)
    if dry_run:
        show_plan(request, json=json)
    else:
        leave(run(request, outputs))
