"""How do drills of a loss look: a line a scenario, and one drill whole: its stages, what was lost, what readers got."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from opsctl.dr.drill.journal import Entry, Journal
from opsctl.dr.drill.judge import Outcome
from opsctl.dr.drill.model import DrillRun
from opsctl.dr.drill.summary import Spread, Summary, longest_stage, numbered, rpo_of, summaries, worst
from opsctl.dr.drill.timeline import destroyed_after, parts, restore_steps, stage_spans
from opsctl.dr.drill.words import (
    NOT_BACK,
    NOT_COUNTED,
    command_text,
    gone_text,
    misses_text,
    seconds_text,
    share_text,
    spread_text,
    tiers_text,
)
from opsctl.ui.bars import bar_lines
from opsctl.ui.console import hint, note, out
from opsctl.ui.dr_charts import slots_of
from opsctl.ui.hanging import print_hanging
from opsctl.ui.sparkline import sparkline
from opsctl.ui.table import show_table

OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.PASSED: "[green]✔ passed[/]",
    Outcome.MISSED: "[red]✘ missed[/]",
    Outcome.INCONCLUSIVE: "[yellow]? cannot tell[/]",
}
_LOST = "✗"
_LABEL_COLUMNS = 10
_TAIL_LINES = 5


def show_drills(journal: Journal) -> None:
    """Print a line a scenario, then why those that did not pass did not, and what to do next."""
    from rich.markup import escape

    found = summaries(journal.entries)
    show_table(("drill", "", "RPO", "RTO", "lost", "longest stage"), [_row(summary) for summary in found])
    if any(summary.runs > 1 for summary in found):
        _line("[dim]of several runs the median, below it the worst; of rows the most[/]")
    for each in numbered(journal.entries):
        for reason in each.entry.verdict.reasons:
            note(f"[red]{escape(each.name)}[/]: {escape(reason)}")
    if journal.simulated:
        note(f"[yellow]simulated:[/] {escape(', '.join(journal.simulated))}")
    if worst([summary.outcome for summary in found]) is not Outcome.PASSED:
        hint("`opsctl dr report` tells all that was seen; `--html drills.html` draws it over time")


def show_drill_details(entry: Entry) -> None:
    """Print one drill whole: the verdict first, then stages, commands, losses, and what readers got."""
    from rich.markup import escape

    run = entry.run
    _line(f"{OUTCOME_WORDS[entry.verdict.outcome]} [bold]{escape(run.scenario)}[/] {escape(run.title)}")
    for reason in entry.verdict.reasons:
        _line(f"  [red]{escape(reason)}[/]")
    for line in _figures(entry):
        _line(f"  {line}")
    _show_bars("stages", [(str(seen.stage), seen.seconds) for seen in run.stages])
    _show_bars("inside the restore", restore_steps(run))
    _show_commands(run)
    _show_losses(run)
    _show_readers(run)
    backup = f"from {escape(run.backup_id)}, " if run.backup_id else ""
    _line(f"\n[dim]{backup}seed {run.seed}, book {escape(entry.book_digest[:12])}[/]")


def _row(summary: Summary) -> tuple[str, ...]:
    from rich.markup import escape

    outcome = OUTCOME_WORDS[summary.outcome]
    several = f"\n[dim]{summary.outcomes[Outcome.PASSED]} of {summary.runs}[/]" if summary.runs > 1 else ""
    return (
        escape(summary.scenario),
        outcome + several,
        _cell(summary.rpo, missing=NOT_COUNTED),
        _cell(summary.rto, missing=NOT_BACK),
        "-" if summary.toll is None else f"{summary.toll.lost:,}",
        _longest(summary),
    )


def _cell(spread: Spread | None, *, missing: str) -> str:
    middle, _, worst_one = spread_text(spread, missing=missing).partition(" / ")
    return f"{middle}\n[dim]{worst_one}[/]" if worst_one else middle


def _longest(summary: Summary) -> str:
    found = longest_stage(summary)
    if found is None:
        return "-"
    stage, share = found
    return f"not {stage}" if share > 1 else f"{stage} {share:.0%}"


def _figures(entry: Entry) -> Iterator[str]:
    run, goals = entry.run, entry.goals
    if run.destroyed_at is None:
        return
    for name, value, missing, allowed in (
        ("RPO", rpo_of(run), NOT_COUNTED, goals.rpo_seconds),
        ("RTO", run.rto_seconds, NOT_BACK, goals.rto_seconds),
    ):
        yield f"{name} {seconds_text(value, missing=missing)}, allowed are {seconds_text(allowed, missing='-')}"
    if run.losses:
        yield f"{run.divergence:,} rows in one store and not in the other"


def _show_bars(title: str, stretches: Sequence[tuple[str, float]]) -> None:
    if not stretches:
        return
    _line(f"\n[bold]{title}[/]")
    for line in bar_lines(stretches, width=out().width):
        _line(line)


def _show_commands(run: DrillRun) -> None:
    from rich.markup import escape

    if not run.commands:
        return
    _line("\n[bold]runbook[/]")
    for command in run.commands:
        sign = "[green]✔[/]" if not command.exit_code else f"[red]✘ exit {command.exit_code}[/]"
        _line(
            f"  {sign} {escape(command_text(command))} [dim]{seconds_text(command.seconds, missing='-')}[/]"
        )
        if command.exit_code:
            for line in command.tail.strip().splitlines()[-_TAIL_LINES:]:
                _line(f"    [dim]{escape(line)}[/]")


def _show_losses(run: DrillRun) -> None:
    from rich.markup import escape

    if not run.losses:
        return
    _line("\n[bold]losses[/]")
    rows = [
        (
            escape(loss.stream),
            f"{loss.acknowledged:,}",
            f"{loss.tail:,}",
            f"{loss.holes:,}",
            f"{loss.phantoms:,}",
            f"{run.given_up.get(loss.stream, 0):,}",
            seconds_text(loss.rpo_seconds, missing="-"),
        )
        for loss in run.losses
    ]
    show_table(("stream", "acknowledged", "tail", "holes", "phantoms", "given up", "RPO"), rows)


def _show_readers(run: DrillRun) -> None:
    from rich.markup import escape

    if not run.points:
        return
    _line("\n[bold]readers[/]")
    _show_over_time(run)
    rows = []
    for part in parts(run):
        number = part.good + part.bad
        rows.append(
            (
                part.name,
                seconds_text(part.seconds, missing="-"),
                f"{number:,}",
                share_text(part.good / number) if number else "-",
                seconds_text(part.worst_p99_seconds, missing="-"),
            )
        )
    show_table(("stage", "lasted", "requests", "answered", "worst p99"), rows)
    if run.served_while_gone is not None:
        tiers = tiers_text(run)
        by = f", fresh answers by {escape(tiers)}" if tiers else ""
        _line(f"{gone_text(run)} {share_text(run.served_while_gone)} of the requests were answered{by}")
        if run.misses_while_gone:
            _line(f"instead of an answer: {escape(misses_text(run))}")


def _show_over_time(run: DrillRun) -> None:
    """Print bars of latency and misses, and below them where the loss and the stages are."""
    slots = slots_of(run)
    width = min(60, max(10, out().width - _LABEL_COLUMNS - 2))
    missed = [float(slot.bad) for slot in slots]
    _line(
        f"  {'p99':<{_LABEL_COLUMNS}}{sparkline([slot.p99_seconds for slot in slots], width=width, floor=0)}"
    )
    if any(missed):
        _line(f"  {'missed':<{_LABEL_COLUMNS}}{sparkline(missed, width=width, floor=0)}")
    groups = min(len(slots), width)
    edges = [slots[group * len(slots) // groups].second for group in range(groups)]
    edges.append(slots[-1].second + slots[-1].length_seconds)
    ruler = "".join(_mark(run, begins=begins, ends=ends) for begins, ends in pairwise(edges))
    _line(f"  {'':<{_LABEL_COLUMNS}}{ruler}")
    reached = [f"{number} {span.name}" for number, span in enumerate(stage_spans(run), start=1)]
    _line(f"  {'':<{_LABEL_COLUMNS}}[dim]{', '.join([f'{_LOST} the loss', *reached])}[/]")


def _mark(run: DrillRun, *, begins: float, ends: float) -> str:
    destroyed = destroyed_after(run)
    if destroyed is not None and begins <= destroyed < ends:
        return _LOST
    numbers = (
        str(number)
        for number, span in enumerate(stage_spans(run), start=1)
        if span.begins <= begins < span.ends
    )
    return next(numbers, "─")


def _line(text: str) -> None:
    print_hanging(out(), text, indent=4, has_commands=True)
