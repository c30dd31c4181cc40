"""How does a runbook look on a terminal: rendered, and its steps one by one."""

from collections.abc import Sequence

from opsctl.runbooks.model import Runbook, Step
from opsctl.ui.console import err, hint, note, out
from opsctl.ui.table import show_table


def show_runbooks(runbooks: Sequence[Runbook]) -> None:
    """Print one row a runbook."""
    rows = [
        (each.name, str(len(each.steps)), str(sum(step.changes is not None for step in each.steps)))
        for each in runbooks
    ]
    show_table(("runbook", "steps", "that change something"), rows)


def show_runbook(runbook: Runbook) -> None:
    """Print the whole text, rendered."""
    from rich.markdown import Markdown

    out().print(Markdown(runbook.text))
    show_next(runbook, last=0)


def show_step(step: Step) -> None:
    """Print a step before it is run, on stderr: what it prints itself goes to stdout."""
    from rich.markup import escape

    note(f"[bold]step {step.number}[/] [dim]{step.section}[/] {escape(step.text)}")
    for line in step.command.splitlines():
        err().print(f"  [cyan]{escape(line)}[/]", highlight=False, soft_wrap=True)


def show_next(runbook: Runbook, *, last: int) -> None:
    """Say which step could follow."""
    following = next((step for step in runbook.steps if step.number > last), None)
    if following is not None:
        change = f", which changes something: {following.changes}" if following.changes else ""
        hint(
            f"`opsctl runbooks run {runbook.name} --step {following.number}` runs step {following.number}{change}"
        )
