"""How does a plan to make evidence look, and what came of it?"""

from opsctl.checklist.refresh.journal import Ending, RefreshJournal
from opsctl.checklist.refresh.plan import Planned, RefreshPlan, Source
from opsctl.core.units import format_duration
from opsctl.ui.console import err, note, print_line
from opsctl.ui.table import show_table

_SOURCES = {
    Source.BEFORE: "as before",
    Source.LEDGER: "by its records",
    Source.BOOK: "by the book",
    Source.NOBODY: "",
}
_SIGNS = {
    Ending.GOOD: "[green]✔[/]",
    Ending.BAD: "[red]✘[/]",
    Ending.CANNOT_TELL: "[yellow]?[/]",
    Ending.FAILED: "[red]✘[/]",
    Ending.TOO_LONG: "[red]✘[/]",
    Ending.LEFT_OUT: "[yellow]-[/]",
}


def show_plan(plan: RefreshPlan) -> None:
    """Print what would be run, in order, with how long it is expected to take."""
    from rich.markup import escape

    rows = [
        (
            escape(each.name),
            _expected(each),
            _SOURCES[each.source],
            ", ".join(each.items) or "[dim]prepares[/]",
        )
        for each in plan.commands
    ]
    show_table(("command", "takes", "", "for"), rows)
    for each in plan.commands:
        print_line(f"  {each.name}: opsctl {' '.join(each.argv)}")
    if plan.commands:
        unknown = sum(each.expected_seconds is None for each in plan.commands)
        beside = f", and {unknown} of which nobody knows" if unknown else ""
        print_line(f"{len(plan.commands)} commands, about {format_duration(plan.expected_seconds)}{beside}")
    else:
        print_line("nothing is to be run")
    if plan.nobody:
        print_line(
            f"no command makes what these lack: {', '.join(plan.nobody)}; `opsctl explain CODE` says what they want"
        )


def _expected(planned: Planned) -> str:
    return "-" if planned.expected_seconds is None else format_duration(planned.expected_seconds)


def show_refreshed(journal: RefreshJournal) -> None:
    """Say on stderr how the commands ended that did not end well, and where their output is."""
    from rich.markup import escape

    bad = [each for each in journal.done if each.ending is not Ending.GOOD]
    for each in bad:
        told = each.why or (f"its output: {each.log}" if each.log else "")
        err().print(
            f"{_SIGNS[each.ending]} {escape(each.name)}: {each.ending}; {escape(told)}",
            highlight=False,
            soft_wrap=True,
        )
    took = sum(each.seconds for each in journal.done)
    if not journal.done:
        note("nothing was to be run: what a command can make is there, and fresh")
        return
    note(
        f"{len(journal.done) - len(bad)} of {len(journal.done)} commands ended well, in {format_duration(took)}"
    )
