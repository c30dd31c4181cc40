"""What does a pull request get to read about the checklist: a row an item, and why those that do not pass do not."""

import re
from collections.abc import Sequence

from opsctl.checklist.book import Group
from opsctl.checklist.evidence import figure_text, target_text
from opsctl.checklist.model import Judged, Report, State
from opsctl.core.exit_codes import ExitCode

_SIGNS = {
    State.PASS: "✅ pass",
    State.FAIL: "❌ fail",
    State.STALE: "⌛ stale",
    State.UNKNOWN: "❔ unknown",
    State.WAIVED: "⚠️ waived",
}
_VERDICTS = {ExitCode.GOOD: "✅", ExitCode.BAD_VERDICT: "❌"}
_TITLES = {Group.READINESS: "Before production", Group.METRICS: "Metrics"}
_SPECIAL = re.compile(r"^[+-]|(?<!&)#(?!\d+;)|[\\`*_{}\[\]!|~]")


def to_markdown(report: Report) -> str:
    """Return a summary in GitHub's Markdown; every text that came from outside is escaped."""
    counts = report.counts
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    blocks = [
        f"### {_VERDICTS.get(report.exit_code, '❔')} {escape(report.title)}: {told or 'no items'}",
        *(
            block
            for group in Group
            for block in _group(group, [each for each in report.items if each.item.group is group])
        ),
        f"Simulated: {escape(', '.join(report.simulated))}" if report.simulated else "",
        f"<sub>{report.at:%Y-%m-%d %H:%M} UTC, commit {escape(report.commit or 'none')}</sub>",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: str) -> str:
    r"""Return text that Markdown shows as it is: no markup, no HTML, no mention, on one line.

    >>> print(escape("<b> a|b @team #12"))
    &lt;b&gt; a\|b &#64;team \#12
    """
    flat = re.sub(r"\s+", " ", text)
    plain = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return _SPECIAL.sub(lambda found: "\\" + found[0], plain)


def _group(group: Group, items: Sequence[Judged]) -> list[str]:
    if not items:
        return []
    head = (_TITLES[group], "state", "figure", "target")
    rows = [head, ("---",) * len(head), *(_row(each) for each in items)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return [table, "\n".join(line for each in items for line in _lines(each))]


def _row(judged: Judged) -> tuple[str, ...]:
    simulated = " (simulated)" if judged.simulated else ""
    return (
        f"{judged.code} {escape(judged.item.title)}",
        f"{_SIGNS[judged.state]}{simulated}",
        escape(figure_text(judged)),
        escape(target_text(judged)),
    )


def _lines(judged: Judged) -> list[str]:
    if judged.state is State.PASS:
        return []
    waived = judged.waiver
    aside = (
        f" Waived by {escape(waived.account)} until {waived.expires_at:%Y-%m-%d}: {escape(waived.reason)};"
        f" else {judged.beneath}."
        if waived
        else ""
    )
    after = f" Next: <code>{escape(judged.next_command)}</code>" if judged.next_command else ""
    return [f"- **{judged.code}** {escape(judged.reason)}.{aside}{after}"]
