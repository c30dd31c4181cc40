"""What does a pull request get to read about drills of a loss: a row a scenario, and why those that missed did."""

from opsctl.core.markdown_table import markdown_table
from opsctl.core.outside_text import in_markdown
from opsctl.dr.drill.journal import Journal
from opsctl.dr.drill.judge import Outcome
from opsctl.dr.drill.model import Stage
from opsctl.dr.drill.summary import Numbered, Summary, numbered, summaries, worst
from opsctl.dr.drill.words import (
    NOT_BACK,
    NOT_COUNTED,
    NOT_REACHED,
    goals_text,
    runs_text,
    spread_text,
    toll_text,
)

_SIGNS = {Outcome.PASSED: "✅ passed", Outcome.MISSED: "❌ missed", Outcome.INCONCLUSIVE: "❔ cannot tell"}
_HEAD = (
    "scenario",
    "outcome",
    "passed",
    "RPO",
    "lost / holes / phantoms / given up",
    "RTO",
    *(str(stage) for stage in Stage),
    "objectives",
)


def to_markdown(journal: Journal) -> str:
    """Return a summary in GitHub's Markdown; every text that came from outside is escaped."""
    found = summaries(journal.entries)
    passed = sum(summary.outcome is Outcome.PASSED for summary in found)
    sign = _SIGNS[worst([summary.outcome for summary in found])].partition(" ")[0]
    blocks = [
        f"### {sign} Losses drilled: {passed} of {len(found)} came back within their objectives",
        markdown_table(_HEAD, map(_row, found)) if found else "",
        *(_reasons(each) for each in numbered(journal.entries)),
        f"Simulated: {in_markdown(', '.join(journal.simulated))}" if journal.simulated else "",
        f"<sub>run {in_markdown(journal.run_id)}; of several runs the median / the worst, of rows the most</sub>",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _row(summary: Summary) -> tuple[str, ...]:
    return (
        in_markdown(summary.scenario),
        _SIGNS[summary.outcome],
        runs_text(summary),
        spread_text(summary.rpo, missing=NOT_COUNTED),
        toll_text(summary.toll),
        spread_text(summary.rto, missing=NOT_BACK),
        *(spread_text(summary.stages.get(stage), missing=NOT_REACHED) for stage in Stage),
        goals_text(summary.goals),
    )


def _reasons(each: Numbered) -> str:
    lines = [f"- {in_markdown(reason)}" for reason in each.entry.verdict.reasons]
    head = f"**{in_markdown(each.name)}**: {in_markdown(each.entry.run.title)}"
    return "\n".join([head, "", *lines]) if lines else ""
