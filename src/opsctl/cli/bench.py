"""Commands of `opsctl bench`: how fast, how sure, how much found; runs kept, shown and compared."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group

app = group("Latency and recall of derived collections beside their source. Alone: the standard suite.")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Derived collections; all of the book by default."),
]
Queries = Annotated[int, typer.Option(min=20, max=1_000_000, help="Measured queries for each arm.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the sampled queries.")]
Top = Annotated[int, typer.Option("--limit", "-k", min=1, max=1000, help="Neighbours asked for.")]
NoiseFloor = Annotated[
    float,
    typer.Option(min=0.001, max=1, help="An effect below this share is not claimed; A/A must agree in it."),
]
AllowNoise = Annotated[bool, typer.Option("--allow-noise", help="A noisy machine is a warning, not exit 5.")]
QueryLog = Annotated[Path | None, typer.Option(help="JSONL of queries instead of sampled ones.")]


@app.callback(invoke_without_command=True, no_args_is_help=False)
def suite(context: typer.Context, json: Json = False) -> None:
    """Measure latency and recall of derived collections beside their source.

    Without a verb: the standard suite, which is `latency` of every derived collection of the book.
    """
    if context.invoked_subcommand is None:
        latency(json=json)


@command(
    app,
    "opsctl bench latency",
    "opsctl bench latency au_photographers_quality --queries 10000 --html latency.html",
    "opsctl bench latency --duration 30s --json",
)
def latency(
    names: Names = None,
    *,
    queries: Queries = 2000,
    duration: Annotated[str | None, typer.Option(help="Stop earlier after this time, such as 30s.")] = None,
    limit: Top = 10,
    naive: Annotated[
        bool, typer.Option("--naive", help="Also a copy of the source without payload indexes.")
    ] = False,
    query_log: QueryLog = None,
    seed: Seed = 0,
    noise_floor: NoiseFloor = 0.05,
    allow_noise: AllowNoise = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with the latency curves.")] = None,
    json: Json = False,
) -> None:
    """Measure derived collections beside the filtered source in turns. Exit 1: budget missed, 5: cannot tell."""
    from opsctl.cli.bench_runs import LatencyRequest, run_latency
    from opsctl.cli.exit import leave

    request = LatencyRequest(
        names=names,
        queries=queries,
        duration=duration,
        limit=limit,
        naive=naive,
        query_log=query_log,
        seed=seed,
        noise_floor=noise_floor,
        allow_noise=allow_noise,
    )
    leave(run_latency(request, html=html, json=json))
