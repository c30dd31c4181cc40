"""How does a runbook look on a terminal: rendered, and its steps one by one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opsctl.core.events import Event
from opsctl.core.units import format_duration
from opsctl.runbooks.model import ASKED, OVER, Runbook, Step
from opsctl.runbooks.parse import segments
from opsctl.runbooks.run import Outcome, StepResult, StepShown
from opsctl.ui.console import err, hint, note, out, print_line
from opsctl.ui.table import show_table

if TYPE_CHECKING:
    from rich.console import Console

_STARTED_BY = {"SERVICE_URL": "opsctl stack up", "DATABASE_URL": "opsctl stack up postgres"}
_BY_WATCHERS = "opsctl stack up --watch"


def show_runbooks(runbooks: Sequence[Runbook]) -> None:
    """Print one row a runbook."""
    from rich.markup import escape

    rows = [
        (escape(each.name), str(len(each.steps)), str(sum(step.changes is not None for step in each.steps)))
        for each in runbooks
    ]
    show_table(("runbook", "steps", "that change something"), rows)


def show_runbook(runbook: Runbook) -> None:
    """Print the whole text: rendered on a terminal, as it is written elsewhere."""
    if out().is_terminal:
        render_text(runbook.text, console=out())
    else:
        print_line(runbook.text.rstrip("\n"))
    hint(f"`opsctl runbooks run {_plain(runbook.name)}` runs every step that only looks")


def render_text(text: str, *, console: "Console") -> None:
    """Render the prose; a command is left in one line however long it is, so that it can be copied whole."""
    from rich.markdown import Markdown
    from rich.text import Text

    for position, (is_command, piece) in enumerate(segments(text)):
        if not is_command:
            if position and piece.lstrip().startswith("#"):
                console.print()  # what Rich leaves out before a heading that comes first
            console.print(Markdown(piece))
            continue
        for line in piece.splitlines():
            console.print(
                Text(f"    {line}", style="dim" if line.startswith("#") else "cyan"), soft_wrap=True
            )


def step_teller(event: Event) -> None:
    """Tell of a step before and after it is run, on stderr: what it prints itself goes to stdout."""
    match event:
        case StepShown():
            _show_step(event.step)
        case StepResult():
            _show_result(event)
        case _:
            pass


def hear_output(line: str) -> None:
    """Show a line that a step printed, where stdout is kept for the document."""
    err().print(line.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)


def show_end(runbook: Runbook, following: Step | None) -> None:
    """Say how to know that it is over, and which step could follow."""
    over = runbook.text_of(OVER)
    if over:
        from rich.markup import escape

        note(f"[dim]over when[/] {escape(over)}")
    if following is not None:
        change = f", which changes something: {_plain(following.changes)}" if following.changes else ""
        hint(
            f"`opsctl runbooks run {_plain(runbook.name)} --step {following.number}` runs step {following.number}{change}"
        )


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _show_step(step: Step) -> None:
    from rich.markup import escape

    note(f"[bold]step {step.number}[/] [dim]{escape(step.section)}[/] {escape(step.text)}")
    for line in step.command.splitlines():
        err().print(f"  [cyan]{escape(line)}[/]", highlight=False, soft_wrap=True)


def _show_result(result: StepResult) -> None:
    number = result.step.number
    match result.outcome:
        case Outcome.DONE:
            note(f"[green]✔[/] step {number} done in {format_duration(result.seconds or 0)}\n")
        case Outcome.FAILED:
            note(f"[red]✘[/] step {number} failed: its command ended with {result.exit_code}\n")
        case Outcome.DECLINED:
            note(f"- step {number} not run\n")
        case Outcome.NOT_READY:
            note(f"[yellow]![/] step {number} not run: {_what_is_missing(result.needs)}\n")
        case Outcome.SHOWN:
            note("")


def _what_is_missing(needs: Sequence[str]) -> str:
    """Return what to do about variables that a step lacks: a person sets them, or something that runs gives them."""
    asked = [name for name in needs if name in ASKED]
    if asked:
        return f"only you know {', '.join(f'${name}' for name in asked)}; set it before: `export {asked[0]}=`"
    named = ", ".join(f"${name}" for name in needs)
    return f"nothing that runs gives {named}; `{_STARTED_BY.get(needs[0], _BY_WATCHERS)}`"
