"""How do the kinds of loss that are drilled look: the list, and the plan of one before anything is touched."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from opsctl.core.units import format_age, parse_duration
from opsctl.dr.drill.book import Loss, Moment
from opsctl.dr.drill.plan import DrillPlan
from opsctl.dr.drill.summary import Listed
from opsctl.dr.drill.words import seconds_text
from opsctl.ui.console import hint, out, print_line
from opsctl.ui.hanging import print_hanging
from opsctl.ui.places import from_here
from opsctl.ui.show_dr_drill import OUTCOME_WORDS
from opsctl.ui.table import show_table

LOSS_WORDS: Mapping[Loss, str] = {
    Loss.DATABASE: "PostgreSQL is killed, and its data directory removed",
    Loss.VECTORS: "the vector node is killed, and its data removed",
    Loss.ALIASES: "the aliases that readers are led by are deleted",
    Loss.MIGRATION: "a migration drops a column with what is in it",
    Loss.DELETES: "an operator deletes the items of a whole region",
    Loss.REGION: "processes, data, secrets, and the repository beside them; the off-site copy stays",
    Loss.REPOSITORY: "a bit of the newest backup is flipped in the repository",
}
_LABEL_COLUMNS = 12


def show_recoveries(recoveries: Sequence[Listed], *, now: datetime) -> None:
    """Print every kind of loss: what is destroyed, what came of the last drill, and how long ago that was."""
    from rich.markup import escape

    if not recoveries:
        print_line("no kind of loss is drilled")
        hint("`opsctl init` writes the starter books")
        return
    names = max(len(each.name) for each in recoveries)
    rows = [
        (
            f"{escape(f'{each.name:<{names}}')}  [not bold]{escape(each.recovery.title)}[/]",
            ", ".join(each.recovery.loses),
            "[dim]never[/]" if each.last is None else OUTCOME_WORDS[each.last.outcome],
            "-" if each.last is None else f"{format_age((now - each.last.at).total_seconds())} ago",
        )
        for each in recoveries
    ]
    show_table(("loss", "loses", "last drill", "held"), rows)
    hint("`opsctl dr drill LOSS --dry-run` shows what a drill does")


def show_drill_plan(plan: DrillPlan) -> None:
    """Print what would be destroyed, where and when, who is told, by which runbook it comes back, and the objectives."""
    from rich.markup import escape

    _line(f"[bold]{escape(plan.scenario)}[/] {escape(plan.recovery.title)}")
    _line(f"[dim]{escape(plan.recovery.why)}[/]", indent=0)
    last = ""
    for name, value in _plan_lines(plan):
        shown = "" if name == last else name
        line = f"  {shown:<{_LABEL_COLUMNS}}{escape(value)}"
        if name == "runs":  # what is copied from here into a shell stays a line
            out().print(line, highlight=False, soft_wrap=True)
        else:
            _line(line)
        last = name


def _plan_lines(plan: DrillPlan) -> Iterator[tuple[str, str]]:
    recovery, goals = plan.recovery, plan.goals
    for loss in recovery.loses:
        yield "destroys", LOSS_WORDS[loss]
    yield "on", f"a stack of its own in {from_here(plan.ground)}; yours is not touched"
    drawn = "while a backup is made, " if recovery.moment is Moment.DURING_BACKUP else ""
    for seed, seconds in plan.moments.items():
        yield (
            "when",
            f"{drawn}{seconds_text(seconds, missing='-')} after the canary began, drawn by seed {seed}",
        )
    if recovery.alert is None:
        noticed = seconds_text(parse_duration(recovery.discovered_after), missing="-")
        yield "told by", f"no alert; somebody notices after {noticed}"
    else:
        within = seconds_text(parse_duration(recovery.detect_within), missing="-")
        yield "told by", f"{recovery.alert}, within {within}"
    yield "runbook", from_here(plan.runbook)
    yield from (("runs", line) for line in _command_lines(plan.commands))
    yield "objectives", f"RPO at most {seconds_text(goals.rpo_seconds, missing='-')}"
    yield "objectives", f"RTO at most {seconds_text(goals.rto_seconds, missing='-')}"


def _command_lines(commands: Sequence[str]) -> Iterator[str]:
    if not commands:
        yield "nothing: the runbook is not there, or has no commands below Mitigation"
    for command in commands:
        yield from (line for line in command.strip().splitlines() if line.strip())


def _line(text: str, *, indent: int = _LABEL_COLUMNS + 2) -> None:
    print_hanging(out(), text, indent=indent, has_commands=True)
