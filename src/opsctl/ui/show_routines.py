"""How do routines look: whether each is due, and what one of them looks at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from opsctl.checklist.routines import Due, Seen, Standing
from opsctl.ui.console import err, hint, out, print_line
from opsctl.ui.table import show_table

_WORDS = {
    Due.DONE: "[green]✔ done[/]",
    Due.DUE: "[yellow]! due[/]",
    Due.OVERDUE: "[red]✘ overdue[/]",
}


def show_standings(standings: Sequence[Standing]) -> None:
    """Print a row a routine."""
    rows = [
        (str(each.rhythm), _WORDS[each.due], _day(each.due_at), _by(each), _escaped(each.routine.title))
        for each in standings
    ]
    show_table(("routine", "state", "due", "last done", "what"), rows)
    if not rows:
        print_line("the checklist's book has no routines")


def show_routine(standing: Standing, *, figures: Sequence[Sequence[Seen]], ran: Mapping[str, int]) -> None:
    """Print what to look at, step by step."""
    _markup(f"[bold]{_escaped(standing.routine.title)}[/] {_WORDS[standing.due]}, {_escaped(_by(standing))}")
    for number, (step, shown) in enumerate(zip(standing.routine.steps, figures, strict=True), start=1):
        _markup(f"{number}. {_escaped(step.look)}")
        for each in shown:
            before = f" [dim](before: {_escaped(each.before)})[/]" if each.before else ""
            now = _escaped(each.now) if each.now else "[yellow]no record[/]"
            _markup(f"   {_escaped(each.title)}: {now}{before}")
        if step.run:
            words = " ".join(step.run)
            ended = f" [dim]exit {ran[words]}[/]" if words in ran else ""
            _markup(f"   [dim]run:[/] opsctl {_escaped(words)}{ended}")
    if standing.due is not Due.DONE:
        hint(f"when it is done: `opsctl checklist routine {standing.rhythm} --done --as NAME --note TEXT`")


def show_output(text: str) -> None:
    """Print what a command said, on stderr, a little further in."""
    for line in text.splitlines():
        err().print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _by(standing: Standing) -> str:
    if standing.last is None:
        return "never"
    return f"{_day(standing.last.recorded_at)} by {standing.last.figures.get('account', '?')}"


def _day(moment: datetime | None) -> str:
    return "now" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def _markup(text: str) -> None:
    out().print(text, highlight=False, soft_wrap=True)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
