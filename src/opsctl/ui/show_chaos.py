"""How do drills look: the list, what several came to, and one in detail."""

from collections.abc import Iterator, Mapping, Sequence

from opsctl.chaos.book import Control, Drill
from opsctl.chaos.budget import Statement
from opsctl.chaos.counters import counter_text
from opsctl.chaos.judge_alerts import detected_seconds, resolved_seconds
from opsctl.chaos.judge_load import share_text
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.plan import forecast_minutes, least_seconds
from opsctl.chaos.report import DrillReport
from opsctl.chaos.sample import Phase, PhaseFigures
from opsctl.chaos.verdict import DrillVerdict, Outcome, worst
from opsctl.core.units import format_duration
from opsctl.ui.console import hint, note, out
from opsctl.ui.figures import significant
from opsctl.ui.hanging import print_hanging
from opsctl.ui.table import show_table

OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.HELD: "[green]✔ held[/]",
    Outcome.DEVIATED: "[red]✘ deviated[/]",
    Outcome.INCONCLUSIVE: "[yellow]? cannot tell[/]",
    Outcome.RESIDUE: "[bold red]✘ RESIDUE[/]",
}


def show_drills(drills: Sequence[NamedDrill], *, last: Mapping[str, Outcome] | None = None) -> None:
    """Print every drill with its tags, its length and what it may cost; `last` says what came of it when it was held."""
    from rich.markup import escape

    rows = [
        (
            escape(each.name),
            ", ".join(each.drill.tags) or "-",
            _rows_or_last(each, last),
            format_duration(least_seconds(each.drill)),
            significant(forecast_minutes(each.drill)),
            "-" if each.drill.control is Control.NONE else str(each.drill.control),
        )
        for each in drills
    ]
    third = "rows" if last is None else "last"
    show_table(("drill", "tags", third, "lasts", "may cost", "control"), rows)
    hint(
        "`opsctl chaos run NAME --dry-run` shows what a drill does; its cost is in minutes of the service level"
    )


def show_statement(statement: Statement) -> None:
    """Print what the drills of a month did cost, and what is left."""
    from rich.markup import escape

    rows = [
        (
            debit.at[:16].replace("T", " "),
            escape(debit.drill),
            significant(debit.forecast),
            significant(debit.spent),
        )
        for debit in statement.debits
    ]
    show_table(("at", "drill", "forecast", "cost"), rows)
    share = statement.spent / statement.allowed if statement.allowed else 1.0
    _line(
        f"{statement.month}: {significant(statement.spent)} of {significant(statement.allowed)} minutes of the service level"
        f" spent ({100 * share:.3g} %), {significant(statement.left)} left"
    )


def show_drill_verdicts(verdicts: Sequence[DrillVerdict], reports: Mapping[str, DrillReport]) -> None:
    """Print one row a drill, then why those that did not hold did not."""
    from rich.markup import escape

    show_table(
        ("drill", "", "available", "p99", "answers back", "agents back", "cost"),
        [
            (escape(each.drill), OUTCOME_WORDS[each.outcome], *_row(reports.get(each.drill)))
            for each in verdicts
        ],
    )
    for verdict in verdicts:
        for reason in verdict.reasons:
            note(f"[red]{escape(verdict.drill)}[/]: {escape(reason.text)}")
    outcome = worst([verdict.outcome for verdict in verdicts])
    open_ones = [verdict.drill for verdict in verdicts if verdict.outcome is not Outcome.HELD]
    if outcome is Outcome.RESIDUE:
        hint("`opsctl chaos report` names what is left; do not hold the next drill before it is gone")
    elif open_ones:
        hint("`opsctl chaos report` tells all that was seen; `--html drills.html` draws it over time")


def show_drill_report(report: DrillReport, *, drill: Drill, verdict: DrillVerdict) -> None:
    """Print one drill in detail: the verdict first, then phases, alerts and what was left."""
    from rich.markup import escape

    _line(f"{OUTCOME_WORDS[verdict.outcome]} [bold]{escape(report.drill)}[/] {escape(report.title)}")
    for reason in verdict.reasons:
        _line(f"  [red]{reason.aspect}[/] {escape(reason.text)}")
    for reason in verdict.seen:
        _line(f"  [dim]as it must: {escape(reason.text)}[/]")
    show_table(
        ("phase", "lasted", "requests", "available", "p50", "p99", "good/s"),
        [(str(phase), *_phase_cells(report.phase(phase))) for phase in Phase],
    )
    show_table(("fresh answers by", *(str(phase) for phase in Phase)), list(_tier_rows(report)))
    show_table(("alert", "detected", "allowed", "over", "allowed"), list(_alert_rows(report, drill)))
    show_table(
        ("probe", "phase", "asked", "missed", "first miss"),
        [
            (
                escape(each.name),
                str(each.phase),
                str(each.asked),
                str(each.missed),
                escape(each.first_miss) or "-",
            )
            for each in report.probes
        ],
    )
    for name, value in _outcome_lines(report, drill):
        _line(f"{name:<11}{escape(value)}")


def tier_back(report: DrillReport) -> str:
    """Return when the agents made fresh answers again; nothing to tell where nobody looked, as in old journals."""
    if report.tier_after is None:
        return "-"
    seconds = report.tier_recovered_seconds
    if seconds is None:
        return "not in time"
    return _seconds(seconds) if seconds else "at once"


def cost_text(report: DrillReport) -> str:
    """Return what a drill did cost, in minutes of the service level."""
    return "-" if report.spent_minutes is None else significant(report.spent_minutes)


def _rows_or_last(named: NamedDrill, last: Mapping[str, Outcome] | None) -> str:
    if last is None:
        return ", ".join(str(row) for row in named.drill.catalogue) or "-"
    return OUTCOME_WORDS[last[named.name]] if named.name in last else "[dim]never[/]"


def _row(report: DrillReport | None) -> tuple[str, ...]:
    if report is None or report.fault_at is None:
        return ("-",) * 5
    figures = report.phase(Phase.FAULT)
    return (
        _share(figures.availability),
        _seconds(figures.p99_seconds),
        _back(report),
        tier_back(report),
        cost_text(report),
    )


def _phase_cells(figures: PhaseFigures) -> tuple[str, ...]:
    return (
        _seconds(figures.seconds or None),
        f"{figures.number:,}",
        _share(figures.availability),
        _seconds(figures.p50_seconds),
        _seconds(figures.p99_seconds),
        significant(figures.goodput),
    )


def _tier_rows(report: DrillReport) -> Iterator[tuple[str, ...]]:
    from rich.markup import escape

    tiers = sorted({tier for phase in Phase for tier in report.phase(phase).tiers})
    for tier in tiers:
        yield escape(tier), *(_share(report.phase(phase).share_of(tier)) for phase in Phase)


def _alert_rows(report: DrillReport, drill: Drill) -> Iterator[tuple[str, ...]]:
    from rich.markup import escape

    for alert in drill.expect.alerts:
        yield (
            alert.name,
            _seconds(detected_seconds(alert, report)),
            alert.detect_within,
            _seconds(resolved_seconds(alert, report)),
            alert.resolve_within,
        )
    expected = {alert.name for alert in drill.expect.alerts}
    for seen in report.alerts:
        if seen.name not in expected:
            yield (
                f"{escape(seen.name)} [dim]({'a page, not expected' if seen.is_page else 'beside it, wakes nobody'})[/]",
                "-",
                "-",
                "-",
                "-",
            )


def _outcome_lines(report: DrillReport, drill: Drill) -> Iterator[tuple[str, str]]:
    if report.fault_at is not None:
        yield "recovered", f"{_back(report)}, allowed are {drill.expect.recovery} after the undo"
    if report.tier_after is not None:
        yield "own tier", f"{tier_back(report)}, allowed are {drill.expect.tier_recovery} after the undo"
    if report.failures:
        yield "failures", ", ".join(f"{status}: {number}" for status, number in report.failures.items())
    if report.mitigation is not None:
        done = report.mitigation
        yield (
            "runbook",
            f"{done.command}: {'worked' if done.worked else 'failed'}, ended it in {_seconds(done.ended_seconds)}",
        )
    for dependency, most in drill.expect.most_calls.items():
        growth = report.call_growth(dependency)
        if growth is not None:
            yield f"calls to {dependency}", f"{growth:.2f} times the usual for a feed, allowed are {most:g}"
    for seen in report.counters:
        yield "counted", f"{counter_text(seen.metric, seen.labels)} grew by {seen.growth:g}"
    if report.restarts or drill.expect.restarts_at_least:
        yield "restarts", str(report.restarts)
    yield (
        "cost",
        f"{cost_text(report)} minutes of the service level, forecast {significant(forecast_minutes(drill))}",
    )


def _back(report: DrillReport) -> str:
    if report.recovered_seconds is None:
        return "not in time"
    return _seconds(report.recovered_seconds) if report.recovered_seconds else "at once"


def _share(share: float | None) -> str:
    return "-" if share is None else share_text(share)


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return format_duration(seconds) if seconds >= 0 else f"-{format_duration(-seconds)}"


def _line(text: str) -> None:
    print_hanging(out(), text, indent=4, has_commands=True)
