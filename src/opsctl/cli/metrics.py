"""Commands on the service's metrics: the contract of what it exposes."""

from enum import StrEnum
from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group

app = group("The metrics that are declared, and the exporter of those that no worker counts.")


class FamilyName(StrEnum):
    """What the exporter tells."""

    BUSINESS = "business"
    EMBEDDINGS = "embeddings"
    EVIDENCE = "evidence"
    RECOVERY = "recovery"
    EXPERIMENTS = "experiments"
    COSTS = "costs"


class MetricSource(StrEnum):
    """Who exposes a metric."""

    SERVICE = "service"
    EXPORTER = "exporter"
    OUTSIDE = "outside"


Port = Annotated[
    int | None,
    typer.Option("--port", "-p", min=1, max=65535, help="Port of /metrics; default 9464."),
]
Host = Annotated[
    str,
    typer.Option("--host", metavar="ADDRESS", help="Where it listens; 0.0.0.0 in a container."),
]
Once = Annotated[
    bool, typer.Option("--once", help="Print the figures once and end, for a textfile collector.")
]
_LOOPBACK = "127.0.0.1"
_DEFAULT_PORT = 9464  # OpenTelemetry's default for exporters that Prometheus reads


@command(
    app,
    "opsctl metrics list",
    "opsctl metrics list --match cache",
    "opsctl metrics list --source exporter",
    "opsctl metrics list --json",
    name="list",
)
def list_metrics(
    match: Annotated[
        str | None,
        typer.Option("--match", "-m", metavar="TEXT", help="Only those with this text in name or help."),
    ] = None,
    source: Annotated[
        MetricSource, typer.Option("--source", help="Who exposes them: service, exporter or outside.")
    ] = MetricSource.SERVICE,
    json: Json = False,
) -> None:
    """Show every metric of the contract: type, unit, labels with known values; JSON adds buckets and merging."""
    from opsctl.cli.document import document
    from opsctl.metrics.reference import Source, matching_metrics
    from opsctl.ui.console import print_document
    from opsctl.ui.show_metrics import show_metrics

    found = matching_metrics(match, source=Source(source))
    if json:
        print_document(document("opsctl.metrics.list", data=found, ok=True))
    else:
        show_metrics(found)


@command(
    app,
    "opsctl metrics export",
    "opsctl metrics export --once --family business",
    "opsctl metrics export --once --family experiments --json",
    "opsctl metrics export --port 9464",
    "opsctl metrics export --host 0.0.0.0",
)
def export(
    family: Annotated[
        list[FamilyName] | None, typer.Option("--family", "-f", help="Only this; may be given several times.")
    ] = None,
    host: Host = _LOOPBACK,
    port: Port = None,
    once: Once = False,
    json: Json = False,
) -> None:
    """Tell Prometheus of readers, vectors, proofs, backups, experiments and costs until Ctrl-C, as `opsctl stack up --watch` does."""
    _export([each.value for each in family or ()], host=host, port=port, once=once, json=json)


@command(
    app, "opsctl metrics export-business", "opsctl metrics export-business --once", name="export-business"
)
def export_business(
    host: Host = _LOOPBACK, port: Port = None, once: Once = False, json: Json = False
) -> None:
    """Tell Prometheus of readers only: active, sessions, retention, saves, engagement, discovery, NPS, satisfaction."""
    _export([FamilyName.BUSINESS.value], host=host, port=port, once=once, json=json)


def _export(names: "list[str]", *, host: str, port: int | None, once: bool, json: bool) -> None:
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.cli.exporting import families
    from opsctl.core.exit_codes import ExitCode
    from opsctl.exporters.serve import serve_exporter
    from opsctl.exporters.shelf import Shelf, exposition
    from opsctl.ui.console import note, print_document, print_line

    chosen = families(names)
    shelf = Shelf(chosen, clock=wiring.clock())
    if once:
        results = [shelf.renew(each) for each in chosen]
        if json:
            data = [
                {
                    "name": each.metric.name,
                    "labels": dict(zip(each.metric.labels, each.labels, strict=True)),
                    "value": each.number,
                }
                for each in shelf.values()
            ]
            print_document(document("opsctl.metrics.export", data=data, ok=all(results)))
        else:
            print_line(exposition(shelf.values).decode().rstrip())
        leave(ExitCode.GOOD if all(results) else ExitCode.NOT_READY)
    chosen_port = port or _DEFAULT_PORT
    address = f"http://{host}:{chosen_port}/metrics"
    if json:
        print_document(document("opsctl.metrics.export", data={"address": address}, ok=True))
    note(f"figures at {address}; Ctrl-C ends it")
    serve_exporter(shelf, host=host, port=chosen_port)
