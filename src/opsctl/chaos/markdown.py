"""What does a pull request get to read about drills: a row each, and why those that did not hold did not."""

from opsctl.chaos.book import Control
from opsctl.chaos.journal import Entry, Journal
from opsctl.chaos.judge_load import share_text
from opsctl.chaos.sample import Phase
from opsctl.chaos.verdict import Outcome, worst
from opsctl.core.markdown_table import markdown_table
from opsctl.core.outside_text import in_markdown
from opsctl.core.units import format_duration

_SIGNS = {
    Outcome.HELD: "✅ held",
    Outcome.DEVIATED: "❌ deviated",
    Outcome.INCONCLUSIVE: "❔ cannot tell",
    Outcome.RESIDUE: "⛔ residue",
}


def to_markdown(journal: Journal) -> str:
    """Return a summary in GitHub's Markdown; every text that came from outside is escaped."""
    outcomes = [entry.verdict.outcome for entry in journal.entries]
    held = outcomes.count(Outcome.HELD)
    blocks = [
        f"### {_SIGNS[worst(outcomes)].partition(' ')[0]} Drills: {held} of {len(outcomes)} held",
        _table(journal),
        *(_reasons(entry) for entry in journal.entries),
        f"Simulated: {in_markdown(', '.join(journal.simulated))}" if journal.simulated else "",
        f"<sub>run {in_markdown(journal.run_id)}; cost in minutes of the service level</sub>",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(journal: Journal) -> str:
    head = ("drill", "verdict", "available", "p99", "answers back", "agents back", "cost")
    return markdown_table(head, map(_row, journal.entries))


def _row(entry: Entry) -> tuple[str, ...]:
    report, figures = entry.report, entry.report.phase(Phase.FAULT)
    control = "" if report.control is Control.NONE else f" ({in_markdown(str(report.control))})"
    return (
        f"{in_markdown(report.drill)}{control}",
        _SIGNS[entry.verdict.outcome],
        "-" if figures.availability is None else share_text(figures.availability),
        "-" if figures.p99_seconds is None else format_duration(figures.p99_seconds),
        _back(report.recovered_seconds),
        _back(report.tier_recovered_seconds),
        "-" if report.spent_minutes is None else f"{report.spent_minutes:.3g}",
    )


def _back(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return format_duration(seconds) if seconds else "at once"


def _reasons(entry: Entry) -> str:
    lines = [f"- {in_markdown(reason.text)}" for reason in entry.verdict.reasons]
    return (
        "\n".join([f"**{in_markdown(entry.report.drill)}**: {in_markdown(entry.report.title)}", "", *lines])
        if lines
        else ""
    )
