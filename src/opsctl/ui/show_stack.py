"""How does the embedded stack look: a table of its parts, a plan, and the lines of its logs."""

from collections.abc import Sequence

from opsctl.core.units import format_bytes, format_duration
from opsctl.stack.logs import LogTail
from opsctl.stack.model import PartName, PartState, PartStatus, StackState, StackStep
from opsctl.ui.console import hint, out, print_line
from opsctl.ui.table import show_table

_WORDS = {
    PartStatus.RUNNING: "[green]✔ running[/]",
    PartStatus.STOPPED: "[dim]- stopped[/]",
    PartStatus.CRASHED: "[red]✘ crashed[/]",
    PartStatus.NOT_INSTALLED: "[dim]- not installed[/]",
}


def show_stack(state: StackState) -> None:
    """Print what is known of each part."""
    titles = ("part", "status", "ready", "pid", "address", "up for", "memory", "data")
    # Watchers that nobody ever asked for are nobody's trouble.
    shown = [part for part in state.parts if not part.on_demand or part.data_dir is not None]
    show_table(titles, [_cells(part) for part in shown])


def show_watch_tower(state: StackState) -> None:
    """Say where the watchers are, and what to do with them."""
    for name, what in (
        (PartName.PROMETHEUS, "alerts and figures"),
        (PartName.ALERTMANAGER, "routes and silences"),
        (PartName.SINK, "messages that would have been sent"),
    ):
        print_line(f"{name:<13} {state.url_of(name) or '-'}  {what}")
    hint(
        "`opsctl status --watch` looks at the service, `opsctl dashboards preview` draws it, `opsctl alerts prove` breaks it"
    )


def show_next_step(state: StackState) -> None:
    """Say what to do about parts that do not run."""
    crashed = [part.name for part in state.parts if part.status is PartStatus.CRASHED]
    if crashed:
        hint(f"`opsctl stack logs {crashed[0]}` shows why; `opsctl stack up` starts it again")
    elif not state.ready:
        hint("`opsctl stack up` starts the stack; commands that need one start it for themselves")


def show_plan(steps: Sequence[StackStep]) -> None:
    """Print what would be done to each part."""
    for step in steps:
        print_line(f"{step.action:<8} {step.name}")
    if not steps:
        print_line("nothing to do")


def show_tails(tails: Sequence[LogTail]) -> None:
    """Print the last lines of each log below its path."""
    for tail in tails:
        if len(tails) > 1:
            out().rule(str(tail.path), align="left", style="dim")
        for line in tail.lines:
            print_line(line)
        if not tail.lines:
            hint(f"`{tail.path}` has no lines yet")


def show_line(line: str) -> None:
    """Print one line of a log as it comes."""
    print_line(line)


def _cells(part: PartState) -> tuple[str, ...]:
    return (
        part.name,
        _WORDS[part.status],
        "yes" if part.ready else "no",
        str(part.pid or "-"),
        part.url or "-",
        "-" if part.uptime_seconds is None else format_duration(part.uptime_seconds),
        "-" if part.memory_bytes is None else format_bytes(part.memory_bytes),
        "-" if part.data_bytes is None else format_bytes(part.data_bytes),
    )
