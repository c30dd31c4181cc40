"""The command `opsctl serve`: run the ranking service in the foreground."""

from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command


def register(app: typer.Typer) -> None:
    """Add the verb that stands without a noun."""
    command(app, "opsctl serve", "opsctl serve --port 8080 --workers 2", "opsctl serve --dry-run")(serve)


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; default: `service.host`.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", "-p", min=1, max=65535, help="Port; default: `service.port`, 8000."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, max=64, help="Processes; default: the service's book."),
    ] = None,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Run the ranking service until Ctrl-C. It uses the servers of the settings, else the embedded stack."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.service.listening import with_free_address
    from opsctl.service.plan import plan_service
    from opsctl.service.serve import serve as run_service
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_service import show_serve_plan

    plan = plan_service(wiring.settings(), host=host, port=port, workers=workers)
    free = plan if dry_run else with_free_address(plan)  # refused before anything is said of where it answers
    if json:
        print_document(document("opsctl.serve.plan", data=plan, ok=True))
    else:
        show_serve_plan(plan, is_dry_run=dry_run)
    if dry_run:
        return
    with progress() as listener, wiring.backends(listener) as servers:
        servers.database().close()  # brings the tables up to date
        servers.vectors_place()
        run_service(free)
