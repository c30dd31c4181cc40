"""The command `opsctl alerts render`: from books to rules, tests, routes and stubs of runbooks."""

from typing import Annotated

import typer

from opsctl.alerts.target import Histograms, PrometheusVersion
from opsctl.cli.options import DryRun, Json, command
from opsctl.cli.rendering_options import CheckOnly, OutFolder
from opsctl.core.exit_codes import ExitCode


def register(app: typer.Typer) -> None:
    """Add the verb to the group `alerts`."""
    command(
        app,
        "opsctl alerts render",
        "opsctl alerts render --check",
        "opsctl alerts render --prometheus 3 --histograms native --out native",
    )(render)


def render(
    *,
    check: CheckOnly = False,
    prometheus: Annotated[
        PrometheusVersion, typer.Option("--prometheus", help="Version of Prometheus: 2.42 or 3.")
    ] = PrometheusVersion.V2,
    histograms: Annotated[
        Histograms, typer.Option("--histograms", help="classic, or native (needs version 3).")
    ] = Histograms.CLASSIC,
    out: OutFolder = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Render the alert books: rules, recordings and unit tests for Prometheus, routes and receivers for Alertmanager.

    A runbook that is missing gets a stub to be finished. The same books always give the same bytes.
    """
    from opsctl.alerts.files import render_files
    from opsctl.cli import rendering, watching, wiring
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.metrics.contract import full_contract
    from opsctl.ui.console import print_document
    from opsctl.ui.show_rendered import show_rendered

    target = watching.target(version=prometheus, histograms=histograms)
    books, rules = watching.load_rules(target)
    settings = wiring.settings()
    folder = out or settings.root / settings.project.books.alerts / "rendered"
    files = render_files(books, rules, target=target, contract=full_contract())
    changes = rendering.changes_of(folder, files, settings=settings, is_check=check, dry_run=dry_run)
    stubs = {} if check else watching.missing_runbooks(rules)
    if not dry_run:
        watching.write_runbooks(stubs)
    if json:
        data = {"folder": folder, "files": len(files), "changes": changes, "runbooks": sorted(stubs)}
        print_document(document("opsctl.alerts.render", data=data, ok=not (check and changes)))
    else:
        show_rendered(
            changes, files=len(files), folder=folder, is_written=not (check or dry_run), stubs=sorted(stubs)
        )
    leave(ExitCode.BAD_VERDICT if check and changes else ExitCode.GOOD)
