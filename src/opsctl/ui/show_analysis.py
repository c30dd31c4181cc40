"""How does an analysis look in a terminal: the verdict first, then what it rests on."""

from opsctl.experiments.analysis.model import Analysis, Check, Result
from opsctl.experiments.metric_book import Role, Test
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.verdict import Outcome
from opsctl.ui.console import hint, print_markup
from opsctl.ui.table import show_table

_STYLES = {
    Outcome.SHIP: "green",
    Outcome.DO_NOT_SHIP: "yellow",
    Outcome.KEEP_RUNNING: "cyan",
    Outcome.INVALID: "red",
}
_TITLES = ("metric", "", "arm", "control", "treatment", "effect", "p", "shown")


def show_analysis(analysis: Analysis) -> None:
    """Print an analysis, and what comes next."""
    subject, verdict = analysis.subject, analysis.verdict
    arm = f" `{verdict.arm}`" if verdict.arm else ""
    print_markup(f"{subject.name}: {_escaped(subject.experiment.title)}")
    print_markup(f"[bold {_STYLES[verdict.outcome]}]{verdict.outcome.words}{arm}[/]")
    for reason in verdict.reasons:
        print_markup(f"  {_escaped(reason)}")
    print_markup("")
    _show_checks(analysis)
    show_table(_TITLES, [_row(each) for each in analysis.results])
    for note in dict.fromkeys(f"{each.metric}: {note}" for each in analysis.results for note in each.notes):
        print_markup(f"[dim]{_escaped(note)}[/]")
    for meeting in analysis.meetings:
        print_markup(f"[yellow]{_escaped(meeting)}[/]")
    _show_footing(analysis)
    hint(f"`opsctl experiments report {subject.name}` draws the lifts over time")


def _show_checks(analysis: Analysis) -> None:
    units = ", ".join(
        f"{count:,} {arm}" for arm, count in analysis.units.items() if count or is_wanted(analysis, arm)
    )
    print_markup(f"units: {units}; up to {analysis.at:%Y-%m-%d %H:%M} UTC")
    for check in analysis.checks:
        print_markup(f"{_mark(check)} {check.name}: {_escaped(check.says)}")


def is_wanted(analysis: Analysis, arm: str) -> bool:
    """Tell whether an arm is to get units."""
    known = analysis.subject.experiment.arms.get(arm)
    return known is not None and known.weight > 0


def _mark(check: Check) -> str:
    if check.is_fault:
        return "[red]✘[/]"
    return "[yellow]![/]" if check.is_warning else "[green]✔[/]"


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.metric,
        _role(result),
        result.arm,
        _value(result.control),
        _value(result.treatment),
        _escaped(result.shown.effect),
        p_words(result.adjusted_p),
        shown_words(result),
    )


def _role(result: Result) -> str:
    return "[bold]primary[/]" if result.role is Role.PRIMARY else result.role.value


def _value(estimate: Estimate | CannotTell) -> str:
    return "-" if isinstance(estimate, CannotTell) else f"{estimate.value:.4g}"


def p_words(p_value: float | None) -> str:
    """Return a p-value as people read it."""
    if p_value is None:
        return "-"
    return f"{p_value:.3f}" if p_value >= 0.001 else f"{p_value:.0e}"


def plain_words(result: Result) -> str:
    """Return what is shown of a metric, without markup."""
    from rich.text import Text

    return Text.from_markup(shown_words(result)).plain


def shown_words(result: Result) -> str:
    """Return what is shown of a metric, in two or three words."""
    shown = result.shown
    if shown.breaks_margin:
        return "[red]margin broken[/]"
    if result.wanted is Test.NON_INFERIORITY:
        return "[green]margin kept[/]" if shown.keeps_margin else "margin uncertain"
    if shown.is_better:
        return "[green]better[/]"
    if shown.is_worse:
        return "[red]worse[/]"
    return "too few units" if shown.is_underpowered else "no difference"


def _show_footing(analysis: Analysis) -> None:
    """Print on what the figures rest: simulated data, certificates, looks."""
    if analysis.simulated:
        print_markup(f"simulated: {', '.join(analysis.simulated)}")
    certified = ", ".join(f"{method} {id_}" for method, id_ in analysis.certificates.items())
    if certified:
        print_markup(f"[dim]certificates: {certified}[/]")
    looks = analysis.peeks
    if looks:
        print_markup(f"[dim]looked at {looks} {'time' if looks == 1 else 'times'} before[/]")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
