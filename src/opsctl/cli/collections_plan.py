"""The command `opsctl collections plan`: is a derived collection worth it here, or does something cheaper do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.options import Json, command
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.cli.measuring import Bed
    from opsctl.qdrant_collections.advisor.combinations import Traffic
    from opsctl.qdrant_collections.advisor.measure import PlanOptions
    from opsctl.qdrant_collections.advisor.model import Combination, PlanReport


def register(app: typer.Typer) -> None:
    """Add the command to the group of `opsctl collections`."""
    command(
        app,
        "opsctl collections plan",
        "opsctl collections plan au_photographers_quality --qps 40",
        "opsctl collections plan --query-log queries.jsonl --max-points 20000 --json",
    )(plan)


def plan(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Derived collections; all of the book.")
    ] = None,
    *,
    query_log: Annotated[
        Path | None, typer.Option(help="JSONL of queries; its most frequent filters are planned for.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=50, help="At most this many filters of the log.")] = 5,
    queries: Annotated[int, typer.Option(min=20, max=100_000, help="Measured queries for each way.")] = 1000,
    max_points: Annotated[
        int, typer.Option(min=1000, help="Measure a sample of the source when it is larger.")
    ] = 50_000,
    qps: Annotated[float | None, typer.Option(min=0, help="Searches per second.")] = None,
    rebuilds_per_day: Annotated[float, typer.Option(min=0, help="How often it would be rebuilt.")] = 24.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of sampled queries and points.")] = 0,
    noise_floor: Annotated[
        float, typer.Option(min=0.001, max=1, help="Effects below are not claimed.")
    ] = 0.05,
    allow_noise: Annotated[
        bool, typer.Option("--allow-noise", help="Noise is a warning, not exit 5.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure every way to answer a hot filter and say keep, build or drop. Exit 5: cannot tell."""
    from opsctl.cli.exit import leave
    from opsctl.cli.measuring import measuring
    from opsctl.qdrant_collections.advisor.combinations import Traffic
    from opsctl.qdrant_collections.advisor.measure import PlanOptions
    from opsctl.ui.progress import progress
    from opsctl.vectors.validity import Limits

    limits = Limits(noise_floor=noise_floor, allow_noise=allow_noise)
    options = PlanOptions(queries=queries, max_points=max_points, seed=seed, limits=limits)
    traffic = Traffic(rebuilds_per_day=rebuilds_per_day, queries_per_second=qps)
    with progress() as listener, measuring(listener) as bed:
        combinations = _combinations(bed, names, log=query_log, most=most, traffic=traffic)
        report = _plan_and_record(bed, combinations, options=options)
    _show(report, json=json)
    leave(_exit_code(report))


def _combinations(
    bed: "Bed", names: list[str] | None, *, log: Path | None, most: int, traffic: "Traffic"
) -> "list[Combination]":
    from opsctl.qdrant_collections.advisor.combinations import of_book, of_log
    from opsctl.vectors.queries import hot_filters, read_query_log

    aliases = bed.store.aliases()
    if log is None:
        return of_book(bed.book, names=bed.names(names, counts=True), aliases=aliases, traffic=traffic)
    hot = hot_filters(read_query_log(log), most=most)
    return of_log(hot, book=bed.book, aliases=aliases, traffic=traffic)


def _plan_and_record(
    bed: "Bed", combinations: "list[Combination]", *, options: "PlanOptions"
) -> "PlanReport":
    from opsctl.cli import wiring
    from opsctl.qdrant_collections.advisor.evidence import plan_evidence
    from opsctl.qdrant_collections.advisor.measure import Source, Workbench, plan_combinations
    from opsctl.qdrant_collections.advisor.strategies import PREFIX

    started_at = wiring.clock().now()
    name = bed.book.source.collection
    queries = bed.queries(count=options.queries, seed=options.seed, log=None)
    source = Source(
        name=name,
        state=bed.store.collection(name),
        points=bed.store.count(name),
        dimension=bed.view.dimension(name),
    )
    with bed.scratch(PREFIX) as copies:
        bench = Workbench(pool=bed.view, copies=copies, instruments=bed.instruments)
        report = plan_combinations(combinations, source=source, queries=queries, options=options, bench=bench)
    engine = bed.store.server_version()
    for each in report.plans:
        wiring.record(
            plan_evidence(report, each, queries=queries.digest, engine=engine, started_at=started_at)
        )
    return report


def _show(report: "PlanReport", *, json: bool) -> None:
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_plan import show_plan

    if json:
        findings = [problem for each in report.plans for problem in each.measured.problems]
        is_sure = _exit_code(report) is ExitCode.GOOD
        print_document(document("opsctl.collections.plan", data=report, ok=is_sure, findings=findings))
    else:
        show_plan(report)


def _exit_code(report: "PlanReport") -> ExitCode:
    from opsctl.evidence.model import Verdict
    from opsctl.qdrant_collections.advisor.evidence import verdict_of

    sure = all(verdict_of(each) is Verdict.PASS for each in report.plans)
    return ExitCode.GOOD if sure else ExitCode.INCONCLUSIVE
