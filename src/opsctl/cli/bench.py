"""Commands of `opsctl bench`: how fast, how sure, how much found; runs kept, shown and compared."""

from pathlib import Path
from typing import Annotated

import typer

from opsctl.bench.load.metrics import Metric
from opsctl.cli import bench_baseline, bench_capacity, bench_load
from opsctl.cli.options import Json, command, group
from opsctl.core.exit_codes import ExitCode

app = group("Latency and recall of derived collections, loads on the service. Alone: the standard suite.")

app.add_typer(bench_baseline.app, name="baseline")
bench_load.register(app)
bench_capacity.register(app)

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

Metrics = Annotated[
    list[Metric] | None, typer.Option("--metric", help="Compare loads by this only, once each; default: all.")
]

AllowedHosts = Annotated[
    list[str] | None, typer.Option("--target-allow", metavar="HOST", help="Allow another host as target.")
]


@app.callback(invoke_without_command=True, no_args_is_help=False)
def suite(context: typer.Context, json: Json = False) -> None:
    """Measure latency and recall of derived collections, and whether the service holds a load.

    Without a verb: the standard suite. `latency` of every derived collection of the book, then the standard load,
    shortened, against the service of the project; one verdict, one table, a page for each. Three minutes at most.
    """
    from opsctl.cli.bench_suite import run_suite
    from opsctl.cli.exit import leave

    if context.invoked_subcommand is None:
        leave(run_suite(json=json))


@command(
    app,
    "opsctl bench latency",
    "opsctl bench latency au_photographers_quality --html latency.html",
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


@command(app, "opsctl bench filters", "opsctl bench filters --derived --queries 1000 --json")
def filters(
    *,
    queries: Annotated[int, typer.Option(min=20, max=100_000, help="Measured queries for each arm.")] = 400,
    limit: Top = 10,
    derived: Annotated[
        bool, typer.Option("--derived", help="Also build a derived collection for each filter.")
    ] = False,
    seed: Seed = 0,
    noise_floor: NoiseFloor = 0.05,
    allow_noise: AllowNoise = False,
    json: Json = False,
) -> None:
    """Measure shapes of filters times selectivities times strategies on the source. Exit 5: a run is invalid, or there was none."""
    from opsctl.bench.filters import FilterOptions
    from opsctl.cli.bench_filters import run_filters
    from opsctl.cli.exit import leave
    from opsctl.vectors.validity import Limits

    limits = Limits(noise_floor=noise_floor, allow_noise=allow_noise)
    options = FilterOptions(queries=queries, limit=limit, limits=limits)
    leave(run_filters(options, build=derived, seed=seed, json=json))


@command(app, "opsctl bench list", "opsctl bench list --json")
def list(json: Json = False) -> None:
    """List the stored runs, the newest first."""
    from opsctl.cli import wiring
    from opsctl.cli.bench_runs import plain_run, registry
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_error import show_findings
    from opsctl.ui.show_runs import show_runs

    runs, damaged = registry().list()
    findings = [error.as_finding() for error in damaged]
    if json:
        rows = [plain_run(run, whole=False) for run in runs]
        print_document(document("opsctl.bench.list", data=rows, ok=not damaged, findings=findings))
    else:
        show_runs(runs, now=wiring.clock().now())
        show_findings(findings)
    leave(ExitCode.BAD_VERDICT if damaged else ExitCode.GOOD)


@command(app, "opsctl bench show latest", "opsctl bench show 20261122T1915 --json")
def show(
    run: Annotated[str, typer.Argument(help="Beginning of an id, a baseline, `latest` or `previous`.")],
    json: Json = False,
) -> None:
    """Show one stored run: machine, data, figures, curve."""
    from opsctl.cli.bench_runs import plain_run, registry
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_runs import show_run

    stored = registry().get(run)
    if json:
        print_document(document("opsctl.bench.show", data=plain_run(stored, whole=True), ok=True))
    else:
        show_run(stored)


@command(
    app,
    "opsctl bench compare previous latest",
    "opsctl bench compare main latest --metric p95 --noise-floor 0.1",
    "opsctl bench compare http://127.0.0.1:8001 http://127.0.0.1:8002 --rounds 10",
)
def compare(
    first: Annotated[
        str, typer.Argument(help="What to compare with: a run, a baseline, or an address.")
    ] = "previous",
    second: Annotated[
        str, typer.Argument(help="What to judge: a run, a baseline, or an address.")
    ] = "latest",
    *,
    metrics: Metrics = None,
    noise_floor: NoiseFloor = 0.05,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Compare different machines, data or plans.")
    ] = False,
    load: Annotated[
        str, typer.Option(metavar="NAME", help="For addresses: what is sent to both.")
    ] = "standard",
    rate: Annotated[float | None, typer.Option(min=1, help="For addresses: the load's highest rate.")] = None,
    rounds: Annotated[int, typer.Option(min=10, max=500, help="For addresses: rounds of A, B, B, A.")] = 10,
    block: Annotated[str, typer.Option(metavar="DURATION", help="For addresses: length of a turn.")] = "3s",
    target_allow: AllowedHosts = None,
    json: Json = False,
) -> None:
    """Say whether the second is better or worse. Exit 1: worse, 5: cannot tell or not comparable.

    Two addresses are loaded in turns (A, B, B, A) in one session, which also shows what comes and goes between runs.
    """
    from opsctl.cli.bench_compare import run_compare
    from opsctl.cli.bench_interleaved import InterleavedRequest, are_addresses, run_interleaved
    from opsctl.cli.exit import leave

    if are_addresses(first, second):
        request = InterleavedRequest(
            urls=(first, second),
            load=load,
            rate=rate,
            rounds=rounds,
            block=block,
            noise_floor=noise_floor,
            metrics=tuple(metrics or ()),
            allowed=tuple(target_allow or ()),
        )
        leave(run_interleaved(request, json=json))
    leave(
        run_compare(first, second, noise_floor=noise_floor, anyway=anyway, metrics=metrics or (), json=json)
    )
