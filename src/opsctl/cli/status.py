"""The command `opsctl status`: golden signals, dependencies, and what fires, once or as a live view."""

from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.options import Json, command
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.status.look import Look


def register(app: typer.Typer) -> None:
    """Add the verb that stands without a noun."""
    command(app, "opsctl status", "opsctl status --watch", "opsctl status --watch --every 5s --json")(status)


def status(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on until q or Ctrl-C; with --json a line a look.")
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(
            "--every", metavar="DURATION", help="Time between two looks; default: 2s, without --watch 1s."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show how the service is: requests, latency, errors, hits, workers, dependencies, alerts. Exit 1: something is wrong.

    It reads the service's own /metrics twice, so it works without Prometheus; alerts are shown where the watchers run.
    Exit 3: the service does not answer. With --watch it ends with 0, however the service is.
    """
    from opsctl.cli import looking
    from opsctl.cli.exit import leave

    if watch:
        _watch(every_seconds=looking.interval(every or "2s"), json=json)
        return
    look = looking.look_once(every_seconds=looking.interval(every or "1s"))
    _show(look, json=json)
    if look.signals is None:
        leave(ExitCode.NOT_READY)
    leave(ExitCode.GOOD if look.is_well else ExitCode.BAD_VERDICT)


def _show(look: "Look", *, json: bool) -> None:
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document
    from opsctl.ui.show_status import show_status

    if json:
        print_document(document("opsctl.status", data=look, ok=look.is_well))
    else:
        show_status(look)


def _watch(*, every_seconds: float, json: bool) -> None:
    """Show looks until somebody ends it, which is how it is meant to end."""
    from contextlib import suppress

    from opsctl.cli import looking, wiring
    from opsctl.cli.ending import ends_as_by_ctrl_c
    from opsctl.ui.keys import until_q
    from opsctl.ui.live_status import live_status, write_looks

    show = write_looks if json else live_status
    with suppress(KeyboardInterrupt), ends_as_by_ctrl_c(), until_q(otherwise=wiring.clock().sleep) as wait:
        show(looking.looks(every_seconds=every_seconds, wait=wait))
