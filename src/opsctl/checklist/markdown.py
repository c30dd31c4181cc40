"""What does a pull request get to read about the checklist: a row an item, and why those that do not pass do not."""

from collections.abc import Sequence

from opsctl.checklist.book import Group
from opsctl.checklist.evidence import figure_text, target_text
from opsctl.checklist.model import Judged, Report, State
from opsctl.core.exit_codes import ExitCode
from opsctl.core.markdown_table import markdown_table
from opsctl.core.outside_text import in_markdown

_SIGNS = {
    State.PASS: "✅ pass",
    State.FAIL: "❌ fail",
    State.STALE: "⌛ stale",
    State.UNKNOWN: "❔ unknown",
    State.WAIVED: "⚠️ waived",
}
_VERDICTS = {ExitCode.GOOD: "✅", ExitCode.BAD_VERDICT: "❌"}
_TITLES = {Group.READINESS: "Before production", Group.METRICS: "Metrics"}


def to_markdown(report: Report) -> str:
    """Return a summary in GitHub's Markdown; every text that came from outside is escaped."""
    counts = report.counts
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    blocks = [
        f"### {_VERDICTS.get(report.exit_code, '❔')} {in_markdown(report.title)}: {told or 'no items'}",
        *(
            block
            for group in Group
            for block in _group(group, [each for each in report.items if each.item.group is group])
        ),
        f"Simulated: {in_markdown(', '.join(report.simulated))}" if report.simulated else "",
        f"<sub>{report.at:%Y-%m-%d %H:%M} UTC, commit {in_markdown(report.commit or 'none')}</sub>",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _group(group: Group, items: Sequence[Judged]) -> list[str]:
    if not items:
        return []
    head = (_TITLES[group], "state", "figure", "target")
    return [
        markdown_table(head, map(_row, items)),
        "\n".join(line for each in items for line in _lines(each)),
    ]


def _row(judged: Judged) -> tuple[str, ...]:
    simulated = " (simulated)" if judged.simulated else ""
    return (
        f"{judged.code} {in_markdown(judged.item.title)}",
        f"{_SIGNS[judged.state]}{simulated}",
        in_markdown(figure_text(judged)),
        in_markdown(target_text(judged)),
    )


def _lines(judged: Judged) -> list[str]:
    if judged.state is State.PASS:
        return []
    waived = judged.waiver
    aside = (
        f" Waived by {in_markdown(waived.account)} until {waived.expires_at:%Y-%m-%d}: {in_markdown(waived.reason)};"
        f" else {judged.beneath}."
        if waived
        else ""
    )
    after = f" Next: <code>{in_markdown(judged.next_command)}</code>" if judged.next_command else ""
    return [f"- **{judged.code}** {in_markdown(judged.reason)}.{aside}{after}"]
