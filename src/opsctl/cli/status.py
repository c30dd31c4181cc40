"""The command `opsctl status`: golden signals, dependencies, and what fires, once or as a live view."""

from typing import Annotated

import typer

from opsctl.cli.options import Json, command
from opsctl.core.exit_codes import ExitCode


def register(app: typer.Typer) -> None:
    """Add the verb that stands without a noun."""
    command(app, "opsctl status", "opsctl status --watch", "opsctl status --json")(status)


def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.5, max=60, help="Time between two looks.")
    ] = 2.0,
    json: Json = False,
) -> None:
    """Show how the service is: requests, latency, errors, hits, workers, dependencies, alerts. Exit 1: something is wrong.

    It reads the service's own /metrics twice, so it works without Prometheus; alerts are shown where the watchers run.
    Exit 3: the service does not answer.
    """
    from opsctl.cli import looking
    from opsctl.cli.document import document
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.cli.exit import leave
    from opsctl.ui.console import print_document
    from opsctl.ui.show_status import live_view, show_status

    if watch and not json:
        with ends_as_by_ctrl_c():
            live_view(looking.looks(every_seconds=every))
        return
    look = looking.look_once(every_seconds=min(every, 1.0))
    if json:
        print_document(document("opsctl.status", data=look, ok=look.is_well))
    else:
        show_status(look)
    if look.signals is None:
        leave(ExitCode.NOT_READY)
    leave(ExitCode.GOOD if look.is_well else ExitCode.BAD_VERDICT)
