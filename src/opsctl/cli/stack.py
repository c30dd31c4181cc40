"""Commands of `opsctl stack`: the local processes, up, down, how they are, what they wrote."""

from collections.abc import Sequence
from typing import Annotated

import typer

from opsctl.cli.options import DryRun, Json, command, group
from opsctl.core.exit_codes import ExitCode
from opsctl.stack.model import PartName

app = group(
    "The embedded stack: PostgreSQL, vector engine, pooler, ranking service and watchers, as processes of this project."
)

Parts = Annotated[
    list[PartName] | None,
    typer.Argument(
        metavar="[PART]...",
        help="postgres, vectors, pooler, service, archiver, or a watcher: exporter, sink, alertmanager, prometheus.",
    ),
]


@command(
    app,
    "opsctl stack up",
    "opsctl stack up --watch",
    "opsctl stack up postgres",
    "opsctl stack up archiver",
    "opsctl stack up --dry-run",
)
def up(
    parts: Parts = None,
    *,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            "-w",
            help="Also Prometheus and Alertmanager with the project's alert books, a sink, an exporter.",
        ),
    ] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="With --watch: tell the real receivers instead of the sink.")
    ] = False,
    take_back: Annotated[
        bool, typer.Option("--take-back", help="First put back what a restore moved that was killed.")
    ] = False,
    json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Start what does not run and wait until it is ready; what runs is left alone."""
    from opsctl.cli import watching, wiring
    from opsctl.cli.document import document
    from opsctl.stack.spec import WATCHERS
    from opsctl.stack.taking_back import take_back_killed
    from opsctl.stack.up import plan_start, start_stack
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_stack import show_plan, show_stack, show_watch_tower

    if watch and parts:
        raise typer.BadParameter("watches the whole stack; name no parts", param_hint="--watch")
    home = wiring.settings().home
    only = _with_database(parts or ())
    if dry_run:
        steps = plan_start(home, only=only) + (plan_start(home, only=WATCHERS) if watch else ())
        if json:
            print_document(document("opsctl.stack.plan", data=steps, ok=True))
        else:
            show_plan(steps)
        return
    with progress() as listener:
        if take_back:
            take_back_killed(home, listener=listener, clock=wiring.clock())
        state = start_stack(
            home, listener=listener, clock=wiring.clock(), only=only, project=wiring.settings().root
        )
        if watch:
            state = watching.start_watchers(deliver=deliver, listener=listener)
    if json:
        print_document(document("opsctl.stack.status", data=state, ok=True))
        return
    show_stack(state)
    if watch:
        show_watch_tower(state)


@command(app, "opsctl stack down", "opsctl stack down vectors", "opsctl stack down --dry-run")
def down(parts: Parts = None, json: Json = False, dry_run: DryRun = False) -> None:
    """End the stack's processes; the data stays. Nothing running is no error."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.stack.down import plan_stop, stop_stack
    from opsctl.ui.console import print_document
    from opsctl.ui.progress import progress
    from opsctl.ui.show_stack import show_plan, show_stack

    home = wiring.settings().home
    if dry_run:
        steps = plan_stop(home, only=parts or ())
        if json:
            print_document(document("opsctl.stack.plan", data=steps, ok=True))
        else:
            show_plan(steps)
        return
    with progress() as listener:
        state = stop_stack(home, listener=listener, clock=wiring.clock(), only=parts or ())
    if json:
        print_document(document("opsctl.stack.status", data=state, ok=True))
    else:
        show_stack(state)


@command(app, "opsctl stack status", "opsctl stack status --json")
def status(json: Json = False) -> None:
    """Show each part: whether it runs and is ready, where, since when, what it uses. Exit 3 unless all required are ready."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.cli.exit import leave
    from opsctl.stack.status import stack_status
    from opsctl.ui.console import print_document
    from opsctl.ui.show_stack import show_next_step, show_stack

    state = stack_status(wiring.settings().home)
    if json:
        print_document(document("opsctl.stack.status", data=state, ok=state.ready))
    else:
        show_stack(state)
        show_next_step(state)
    leave(ExitCode.GOOD if state.ready else ExitCode.NOT_READY)


@command(
    app, "opsctl stack logs", "opsctl stack logs postgres --lines 100", "opsctl stack logs vectors --follow"
)
def logs(
    parts: Parts = None,
    lines: Annotated[
        int, typer.Option("--lines", "-l", min=1, help="At most this many lines of each part.")
    ] = 30,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines of one part until Ctrl-C.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the last lines that each part wrote."""
    from opsctl.cli import wiring
    from opsctl.cli.document import document
    from opsctl.stack.logs import follow_lines, read_tails
    from opsctl.ui.console import print_document
    from opsctl.ui.show_stack import show_line, show_tails

    if follow and (json or len(parts or ()) != 1):
        raise typer.BadParameter("name one part, and leave out --json", param_hint="--follow")
    home = wiring.settings().home
    tails = read_tails(home, only=parts or (), count=lines)
    if json:
        print_document(document("opsctl.stack.logs", data=tails, ok=True))
        return
    show_tails(tails)
    if follow:
        for line in follow_lines(tails[0].path, clock=wiring.clock()):
            show_line(line)


def _with_database(parts: Sequence[PartName]) -> tuple[PartName, ...]:
    """Return the parts, and the database that the archiver follows where it is the embedded one."""
    from opsctl.cli import wiring

    is_embedded = wiring.settings().project.database.url is None
    needed = (PartName.POSTGRES,) if PartName.ARCHIVER in parts and is_embedded else ()
    return tuple(dict.fromkeys((*needed, *parts)))
