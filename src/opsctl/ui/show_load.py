"""How does a load run look: the verdict first, then gates, latencies, errors and tiers, and what to do next."""

import re
from collections.abc import Iterator, Mapping, Sequence

from opsctl.bench.load.model import LoadReport, Percentiles
from opsctl.bench.load.waterfall import waterfall
from opsctl.bench.load.words import (
    Standing,
    amount,
    hint_for,
    interval_text,
    missing_reason,
    next_steps,
    percent,
    rate,
    reasons_invalid,
    standing_of,
    verdict_sentence,
)
from opsctl.core.findings import Severity
from opsctl.core.units import format_duration
from opsctl.ui.console import hint, out
from opsctl.ui.figures import VERDICT_WORDS, recorded_milliseconds
from opsctl.ui.hanging import print_hanging
from opsctl.ui.load_waterfall import LABEL_COLUMNS, waterfall_lines
from opsctl.ui.show_error import show_findings
from opsctl.ui.sparkline import sparkline
from opsctl.ui.table import plain_table, show_table

SHARES = (0.5, 0.9, 0.95, 0.99, 0.999)

STANDING_WORDS = {
    Standing.HOLDS: "[bold green]✔ holds[/]",
    Standing.MISSES: "[bold red]✘ misses[/]",
    Standing.CANNOT_TELL: "[bold yellow]? cannot tell[/]",
    Standing.INVALID: "[bold red]✘ INVALID[/]",
    Standing.MEASURED: "[bold green]✔ measured[/]",
}

_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_UNLIMITED = 10_000  # columns


def show_load(report: LoadReport, *, run_id: str) -> None:
    """Print one load run; notes that do not decide, and the next steps, go to stderr."""
    from rich.markup import escape

    standing = standing_of(report)
    colon = ":" if standing in (Standing.INVALID, Standing.CANNOT_TELL) else ""
    _line(f"{STANDING_WORDS[standing]}{colon} {escape(verdict_sentence(report))}")
    for reason in reasons_invalid(report):
        seen = f" [dim]({escape(reason.evidence)})[/]" if reason.evidence else ""
        _line(f"  [red]{escape(reason.code)}[/] {escape(reason.title)}{seen}")
    for line in _setting(report):
        _line(line)
    _show_gates(report)
    _show_latencies(report)
    _show_over_time(report)
    _show_errors(report)
    _show_tiers(report)
    _show_waterfalls(report)
    _line(f"\n[dim]run {escape(run_id)}[/]")
    show_findings([each for each in report.problems if each.severity is not Severity.ERROR])
    for step in next_steps(report):
        hint(escape(step))


def percentile_cells(percentiles: Percentiles, *, between: str = " ") -> list[str]:
    """Return a cell for each percentile and the maximum, in milliseconds, with `between` before each interval.

    Where the sample supports no interval there is a dash, with the size that it would take, or that the seconds of
    the run differ too much from each other (`too uneven`) for so far a tail.
    """
    cells = []
    for share in SHARES:
        found = percentiles.at(share)
        if found is None:
            cells.append(f"-{between}[dim]{missing_reason(percentiles, share)}[/]")
        else:
            interval = f"{recorded_milliseconds(found.low)}-{recorded_milliseconds(found.high)}"
            cells.append(f"{recorded_milliseconds(found.value)}{between}[dim]{interval}[/]")
    return [*cells, recorded_milliseconds(percentiles.maximum_seconds) if percentiles.count else "-"]


def _setting(report: LoadReport) -> Iterator[str]:
    from rich.markup import escape

    if report.title:
        yield f"[bold]{escape(report.load)}[/]  {escape(report.title)}"
    if report.loop == "closed":
        yield "[yellow]closed loop[/]: it waits for answers before it asks again, which hides waiting; for comparison only"
    whole = f"over all {format_duration(report.duration_seconds)}: "
    yield (
        f"{whole if 0 < report.main_seconds < report.duration_seconds else ''}"
        f"{'' if report.loop == 'closed' else f'planned {rate(report.planned_rate)}, '}achieved {rate(report.achieved_rate)}, "
        f"good answers {rate(report.goodput_rate)}"
    )
    yield (
        f"[dim]{report.planned:,} requests to {escape(report.target)} in {format_duration(report.duration_seconds)}, "
        f"{report.processes} process{'' if report.processes == 1 else 'es'} of {report.connections} connections, "
        f"engine {escape(report.engine)}, seed {report.seed}, plan {escape(report.plan_digest[:12])}[/]"
    )
    if report.simulated:
        yield f"[yellow]simulated:[/] {escape(', '.join(report.simulated))}"


def _show_gates(report: LoadReport) -> None:
    from rich.markup import escape

    rows = []
    for gate in report.gates:
        word = VERDICT_WORDS[gate.verdict] if report.is_valid else "[dim]not judged[/]"
        name = f"{gate.gate} (ends the run)" if gate.is_abort else gate.gate
        rows.append((escape(name), amount(gate.value, unit=gate.unit), interval_text(gate), word))
    _section_table("gates", ("gate", "measured", "interval (95 %)", "verdict"), rows)
    if report.recall is not None and report.recall.value is not None:
        skipped = (
            f", {report.recall.skipped:,} more were not allowed by its budget"
            if report.recall.skipped
            else ""
        )
        _line(f"[dim]recall@{report.recall.limit} from {report.recall.searches:,} exact searches{skipped}[/]")


def _show_latencies(report: LoadReport) -> None:
    if not report.response.count:
        return
    parts = {
        "response": report.response,
        "service": report.service,
        "queue wait": report.queue_wait,
        "generator lag": report.generator_lag,
    }
    _line("\n[bold]latency[/]")
    _show_percentiles(parts)
    _line(
        "[dim]response = generator lag + wait for a connection + service, counted from when it was planned[/]"
    )
    if any(report.response.at(share) is None for share in SHARES):
        _line(
            "[dim]-: a tail that this sample does not support; n>= says how many requests it takes at least[/]"
        )
    endpoints = {name: part for name, part in report.endpoints.items() if part.count}
    if endpoints:
        _line("\n[bold]by endpoint[/]")
        _show_percentiles(endpoints)


def _show_percentiles(parts: Mapping[str, Percentiles]) -> None:
    """Print a row a part: intervals beside the figures where there is room, else below them, else as paragraphs."""
    from rich.markup import escape
    from rich.measure import Measurement

    console = out()
    titles = ("ms", *(f"p{share * 100:g}" for share in SHARES), "max")
    for between in (" ", "\n"):
        table = plain_table(*titles)
        table.padding = (0, 1, 0, 0)
        for name, part in parts.items():
            table.add_row(escape(name), *percentile_cells(part, between=between))
        if Measurement.get(console, console.options.update(width=_UNLIMITED), table).maximum <= console.width:
            console.print(table, highlight=False)
            return
    show_table(titles, [(escape(name), *percentile_cells(part)) for name, part in parts.items()])


def _show_over_time(report: LoadReport) -> None:
    if not report.points:
        return
    width = max(10, out().width - LABEL_COLUMNS - 24)
    points = report.points
    rows: list[tuple[str, list[float | None], str]] = [
        ("p99", [point.p99_seconds for point in points], "s"),
        ("p50", [point.p50_seconds for point in points], "s"),
        (
            "sent" if report.loop == "closed" else "planned",
            [point.planned / point.length_seconds for point in points],
            "1/s",
        ),
    ]
    if any(point.errors for point in points):
        rows.append(("errors", [point.errors / point.length_seconds for point in points], "errors/s"))
    _line("\n[bold]over time[/]")
    for name, values, unit in rows:
        drawn = sparkline(values, width=min(60, width), floor=0)
        _line(f"  {name:<8} {drawn}  [dim]{_span(values, unit=unit)}[/]")


def _show_errors(report: LoadReport) -> None:
    from rich.markup import escape

    wrong = {name: count for name, count in report.outcomes.items() if name != "ok" and count}
    if not wrong:
        return
    _line(f"\n[bold]errors[/] {percent(report.error_rate)} of {report.planned:,}")
    for name, count in sorted(wrong.items(), key=lambda each: -each[1]):
        _line(f"  {escape(name):<14} {count:>10,}  [dim]{escape(hint_for(name))}[/]")
    for reason, count in sorted(report.reasons.items(), key=lambda each: -each[1])[:8]:
        _line(f"  [dim]{count:>10,} x {escape(reason)}[/]")


def _show_tiers(report: LoadReport) -> None:
    from rich.markup import escape

    total = sum(report.tier_counts.values())
    rows = []
    for name, count in sorted(report.tier_counts.items(), key=lambda each: -each[1]):
        if not count:
            continue
        times = report.tiers.get(name)
        cells = [_short(times, share) for share in (0.5, 0.99)]
        rows.append((escape(name), percent(count / total), f"{count:,}", *cells))
    _section_table("tiers", ("tier", "share", "answers", "p50 ms", "p99 ms"), rows)
    if report.hit_ratio is not None:
        _line(
            f"[dim]hit ratio {percent(report.hit_ratio)}: L1 and stale answers among all that name a tier[/]"
        )


def _show_waterfalls(report: LoadReport) -> None:
    from rich.markup import escape

    for tier in report.stages:
        bars = waterfall(report, tier)
        if bars:
            _line(f"\n[bold]where a mean answer of {escape(tier)} spends its time[/]")
            for line in waterfall_lines(bars, width=out().width):
                out().print(_CONTROLS.sub("", line), highlight=False, soft_wrap=True)  # a drawing


def _section_table(title: str, titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        _line(f"\n[bold]{title}[/]")
        show_table(titles, rows)


def _short(percentiles: Percentiles | None, share: float) -> str:
    if percentiles is None:
        return "-"
    found = percentiles.at(share)
    return recorded_milliseconds(found.value) if found else f"- [dim]{missing_reason(percentiles, share)}[/]"


def _span(values: Sequence[float | None], *, unit: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "too few answers a second"
    low, high = (amount(value, unit=unit) for value in (min(known), max(known)))
    return high if low == high else f"{low} to {high}"


def _line(text: str) -> None:
    """Print markup; what a service answered may hold no escape that moves the cursor or colours the rest."""
    print_hanging(out(), _CONTROLS.sub("", text), indent=4, has_commands=True)
