"""The command `opsctl bench load`: send a load at planned times, and say whether the service holds it."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.load_options import AllowedHosts, Gates, LoadName, Processes, Target
from opsctl.cli.options import DryRun, Json, command


class EngineName(StrEnum):
    """Who sends."""

    OPSCTL = "opsctl"
    LOCUST = "locust"


class LoopName(StrEnum):
    """Whether requests wait for answers before they are sent."""

    OPEN = "open"
    CLOSED = "closed"


Rate = Annotated[
    float | None, typer.Option(min=0.001, help="Highest rate a second; the others in proportion.")
]
Duration = Annotated[str | None, typer.Option(help="Of the whole plan, such as 1m; phases in proportion.")]
Users = Annotated[
    int | None, typer.Option(min=1, help="How many users ask; of a locustfile, how many it starts.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of arrivals, users and items.")]
Connections = Annotated[int | None, typer.Option(min=1, max=20_000, help="Connections of each process.")]
Engine = Annotated[EngineName, typer.Option(help="Who sends.")]
Locustfile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Scenarios for Locust instead of the mix; `opsctl init` writes two examples."
    ),
]
SpawnRate = Annotated[float | None, typer.Option(min=0.01, help="Users of the locustfile started a second.")]
ExpectedWorkers = Annotated[
    int, typer.Option(min=0, max=1000, help="Be the master of so many Locust workers that you start.")
]
Bind = Annotated[
    str,
    typer.Option(metavar="HOST:PORT", help="Where workers find the master; they get the API key there."),
]
Web = Annotated[bool, typer.Option("--web", help="Serve Locust's own page on loopback meanwhile.")]
Loop = Annotated[
    LoopName | None,
    typer.Option(help="`closed` hides waiting and follows no rates; for comparison only."),
]
Recorded = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Send a recorded log of requests, at its own times; forms in docs/bench.md."
    ),
]
Speed = Annotated[str, typer.Option(metavar="FACTOR", help="How fast to replay, such as 2x.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with plots.")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Write gates as JUnit XML.")]
Markdown = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a summary for a pull request.")]
Hgrm = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the response times as an HdrHistogram.")
]
Ndjson = Annotated[bool, typer.Option("--ndjson", help="A JSON line a second on stdout, the report last.")]
Baseline = Annotated[
    str | None, typer.Option(metavar="NAME", help="Compare with the run that this baseline stands for.")
]
FailOnRegression = Annotated[
    bool, typer.Option("--fail-on-regression", help="Exit 1 when it is worse than the baseline.")
]
NoiseFloor = Annotated[
    float, typer.Option(min=0.001, max=1, help="A difference to the baseline below this is not claimed.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the group `bench`."""
    command(
        app,
        "opsctl bench load",
        "opsctl bench load quick --html load.html",
        "opsctl bench load --rate 2000 --duration 1m --gate 'p99 < 100ms' --json",
        "opsctl bench load --target http://127.0.0.1:8000 --replay requests.jsonl",
        "opsctl bench load --engine locust --locustfile ops/loads/feed_scenario.py",
        "opsctl bench load --dry-run",
    )(load)


def load(
    name: LoadName = "standard",
    *,
    rate: Rate = None,
    duration: Duration = None,
    users: Users = None,
    seed: Seed = None,
    processes: Processes = None,
    connections: Connections = None,
    target: Target = None,
    target_allow: AllowedHosts = None,
    engine: Engine = EngineName.OPSCTL,
    locustfile: Locustfile = None,
    spawn_rate: SpawnRate = None,
    expect_workers: ExpectedWorkers = 0,
    bind: Bind = "127.0.0.1:0",
    web: Web = False,
    loop: Loop = None,
    gate: Gates = None,
    replay: Recorded = None,
    speed: Speed = "1x",
    html: Html = None,
    junit: Junit = None,
    markdown: Markdown = None,
    hgrm: Hgrm = None,
    ndjson: Ndjson = False,
    baseline: Baseline = None,
    fail_on_regression: FailOnRegression = False,
    noise_floor: NoiseFloor = 0.05,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Send a load at planned times and judge it by its gates. Exit 1: a gate was missed, 5: invalid or cannot tell."""
    from opsctl.bench.load.adjust import Adjustments
    from opsctl.cli.exit import leave
    from opsctl.cli.load_outputs import Outputs
    from opsctl.cli.load_request import Against, LoadRequest, Replaying, locust_settings, speed_of
    from opsctl.cli.loading import run, show_plan

    planned = Adjustments(rate=rate, duration=duration, seed=seed, target=target, loop=loop, gates=gate or ())
    is_chosen = engine is EngineName.LOCUST
    request = LoadRequest(
        name=name,
        changes=replace(
            planned, users=None if locustfile else users, processes=processes, connections=connections
        ),
        allowed=tuple(target_allow or ()),
        locust=locust_settings(
            locustfile, users, spawn_rate, workers=expect_workers, bind=bind, web=web, is_chosen=is_chosen
        ),
        replaying=Replaying(log=replay, factor=speed_of(speed)),
        against=Against(baseline=baseline, fail_on_regression=fail_on_regression, noise_floor=noise_floor),
    )
    outputs = Outputs(html=html, junit=junit, markdown=markdown, hgrm=hgrm, ndjson=ndjson, json=json)
    if dry_run:
        show_plan(request, json=json)
    else:
        leave(run(request, outputs))
