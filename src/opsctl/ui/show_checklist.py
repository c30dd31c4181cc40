"""How does the checklist look in a terminal: a table a group, then what to do about everything that does not pass."""

from collections.abc import Sequence
from datetime import datetime

from opsctl.checklist.book import Group
from opsctl.checklist.evidence import figure_text, target_text
from opsctl.checklist.model import Judged, Report, State
from opsctl.checklist.signing import Word
from opsctl.core.exit_codes import ExitCode
from opsctl.ui.console import out, print_line
from opsctl.ui.table import show_table

STATE_WORDS = {
    State.PASS: "[green]✔ pass[/]",
    State.FAIL: "[red]✘ fail[/]",
    State.STALE: "[red]✘ stale[/]",
    State.UNKNOWN: "[yellow]? unknown[/]",
    State.WAIVED: "[yellow]! waived[/]",
}
GROUP_TITLES = {Group.READINESS: "before production", Group.METRICS: "metrics"}
_VERDICTS = {
    ExitCode.GOOD: "[green]✔ ready[/]",
    ExitCode.BAD_VERDICT: "[red]✘ not ready[/]",
    ExitCode.INCONCLUSIVE: "[yellow]? cannot tell[/]",
}


def show_report(report: Report, *, of: int) -> None:
    """Print the list, and where only some of its `of` items were asked for, that it is not the whole."""
    for group in Group:
        rows = [_row(each, at=report.at) for each in report.items if each.item.group is group]
        show_table((GROUP_TITLES[group], "state", "figure", "target", "age"), rows)
        if rows:
            print_line("")
    _show_open(report.items, at=report.at)
    _show_signed(report.items)
    counts = ", ".join(f"{count} {state}" for state, count in report.counts.items() if count)
    simulated = f"; simulated: {', '.join(report.simulated)}" if report.simulated else ""
    part = f"; only {len(report.items)} of {of} items were asked for" if len(report.items) < of else ""
    _markup(f"{_VERDICTS[report.exit_code]}: {counts}{_escaped(simulated)}{part}")


def _row(judged: Judged, *, at: datetime) -> tuple[str, ...]:
    simulated = " [dim]simulated[/]" if judged.simulated else ""
    return (
        f"{judged.code} {judged.item.name}",
        STATE_WORDS[judged.state],
        _escaped(figure_text(judged)) + simulated,
        _escaped(target_text(judged)),
        short_age((at - judged.measured_at).total_seconds()) if judged.measured_at else "-",
    )


def short_age(seconds: float) -> str:
    """Return an age in its largest unit.

    >>> [short_age(seconds) for seconds in (-3, 42, 600, 8000, 400000)]
    ['0 s', '42 s', '10 min', '2 h', '4 d']
    """
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def _show_open(items: Sequence[Judged], *, at: datetime) -> None:
    left = [each for each in items if each.state is not State.PASS]
    for judged in left:
        _markup(f"{STATE_WORDS[judged.state]} [bold]{judged.code}[/] {_escaped(judged.item.title)}")
        if judged.waiver is not None:
            ends = short_age((judged.waiver.expires_at - at).total_seconds())
            said = f"waived by {judged.waiver.account} for {ends} more: {judged.waiver.reason}"
            _markup(f"  {_escaped(said)}")
        why = f"else {judged.beneath}: {judged.reason}" if judged.waiver else judged.reason
        _markup(f"  {_escaped(why)}")
        if judged.next_command:
            _markup(f"  [dim]next:[/] {_escaped(judged.next_command)}")
    if left:
        print_line("")


def _show_signed(items: Sequence[Judged]) -> None:
    for judged in items:
        for each in judged.signatures:
            if not each.trouble:
                note = f": {each.note}" if each.note else ""
                said = (
                    f"{judged.code} signed by {each.name} ({each.role}) on {each.record.recorded_at:%Y-%m-%d}"
                )
                _markup(f"[dim]{_escaped(said + note)}[/]")


def _markup(text: str) -> None:
    out().print(text, highlight=False)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def show_word(word: Word, *, verb: str, ends: datetime, is_kept: bool) -> None:
    """Say what was signed, waived or withdrawn, by whom and until when."""
    did = {"sign": "signed", "waive": "waived"}[verb]
    by = f"by {word.signer.name} ({word.signer.role})"
    said = f"{word.code} {word.item.name} {did} {by} until {ends:%Y-%m-%d %H:%M} UTC"
    if word.withdraws:
        said = f"{word.code} {word.item.name} is {did} no more: withdrawn {by}"
    _markup(_escaped(said if is_kept else f"would be {said.partition(' ')[2]}; nothing was recorded"))
