"""Commands on the service's metrics: the contract of what it exposes."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command, group

app = group("The metrics of the ranking service, as declared.")


@command(
    app,
    "opsctl metrics list",
    "opsctl metrics list --match cache",
    "opsctl metrics list --json",
    name="list",
)
def list_metrics(
    match: Annotated[
        str | None,
        typer.Option("--match", "-m", metavar="TEXT", help="Only those with this text in name or help."),
    ] = None,
    json: Json = False,
) -> None:
    """Show every metric that the service exposes: type, unit, labels with known values; JSON adds buckets and merging."""
    from opsctl.cli.document import document
    from opsctl.metrics.reference import matching_metrics
    from opsctl.ui.console import print_document
    from opsctl.ui.show_metrics import show_metrics

    found = matching_metrics(match)
    if json:
        print_document(document("opsctl.metrics.list", data=found, ok=True))
    else:
        show_metrics(found)
