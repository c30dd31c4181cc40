"""What does the page of drills hold: verdicts, what was seen over time, and every figure as a table cell."""

from collections.abc import Iterator

from opsctl.chaos.book import Control, Drill
from opsctl.chaos.counters import counter_text
from opsctl.chaos.journal import Entry, Journal
from opsctl.chaos.judge_alerts import detected_seconds, resolved_seconds
from opsctl.chaos.judge_load import share_text
from opsctl.chaos.plan import forecast_minutes
from opsctl.chaos.report import DrillReport
from opsctl.chaos.sample import Phase, PhaseFigures
from opsctl.chaos.verdict import Outcome, worst
from opsctl.core.units import format_duration
from opsctl.ui.chaos_charts import charts_of_drill, lifelines, ordered_servers, server_ink
from opsctl.ui.figures import significant
from opsctl.ui.reports import render_report
from opsctl.ui.show_chaos import cost_text, tier_back
from opsctl.ui.show_chaos_plan import step_text

_SIGNS = {
    Outcome.HELD: ("✔", "good", "held"),
    Outcome.DEVIATED: ("✘", "bad", "deviated"),
    Outcome.INCONCLUSIVE: ("?", "doubt", "cannot tell"),
    Outcome.RESIDUE: ("✘", "bad", "residue left behind"),
}


def render_chaos_page(journal: Journal) -> str:
    """Return one HTML page of a run: no script, no outside resource, every text escaped."""
    outcomes = [entry.verdict.outcome for entry in journal.entries]
    return render_report(
        "chaos.html.j2",
        title=_title(journal),
        standing=_standing(worst(outcomes)),
        run_id=journal.run_id,
        simulated=journal.simulated,
        sections=[_section(entry, place) for place, entry in enumerate(journal.entries)],
    )


def _title(journal: Journal) -> str:
    if len(journal.entries) == 1:
        return f"Drill {journal.entries[0].report.drill}"
    held = sum(entry.verdict.outcome is Outcome.HELD for entry in journal.entries)
    return f"{held} of {len(journal.entries)} drills held"


def _section(entry: Entry, place: int) -> dict[str, object]:
    report, drill = entry.report, entry.drill
    return {
        "anchor": f"drill-{place}",
        "name": report.drill,
        "title": drill.title,
        "why": drill.why,
        "control": "" if drill.control is Control.NONE else str(drill.control),
        "standing": _standing(entry.verdict.outcome),
        "reasons": entry.verdict.reasons,
        "seen": entry.verdict.seen,
        "tiles": list(_tiles(report, drill)),
        "charts": charts_of_drill(report, drill),
        "servers": [
            (server.replace("_", " "), server_ink(server))
            for server in ordered_servers(point.tiers for point in report.points)
        ],
        "lifelines": lifelines(report, drill),
        "phases": [(str(phase), _phase_cells(report.phase(phase))) for phase in Phase],
        "alerts": list(_alert_rows(report, drill)),
        "probes": report.probes,
        "method": list(_method(entry)),
    }


def _standing(outcome: Outcome) -> dict[str, str]:
    sign, ink, word = _SIGNS[outcome]
    return {"sign": sign, "ink": ink, "word": word}


def _tiles(report: DrillReport, drill: Drill) -> Iterator[tuple[str, str, str]]:
    figures, steady = report.phase(Phase.FAULT), drill.steady_state
    if report.fault_at is None:
        yield "Fault", "not made", "the reasons stand below"
        return
    may_miss = f"at least {share_text(1 - steady.allowed_share)} while the fault is on"
    yield "Available", _share(figures.availability), may_miss
    yield "p99", _seconds(figures.p99_seconds), f"at most {steady.fault_p99 or steady.p99}"
    if drill.expect.tier != "any":
        served = f"of the fresh answers, at least {share_text(drill.expect.tier_share)}"
        yield f"Tier {drill.expect.tier}", _share(figures.share_of(drill.expect.tier)), served
    detected = [detected_seconds(alert, report) for alert in drill.expect.alerts]
    if detected:
        known = [seconds for seconds in detected if seconds is not None]
        told = _seconds(max(known)) if len(known) == len(detected) else "not all"
        allowed = ", ".join(dict.fromkeys(alert.detect_within for alert in drill.expect.alerts))
        yield "Detected", told, f"allowed are {allowed}"
    back = report.recovered_seconds
    yield (
        "Recovered",
        "not in time" if back is None else _seconds(back) if back else "at once",
        f"allowed are {drill.expect.recovery}",
    )
    if report.tier_after is not None:
        yield "Own tier again", tier_back(report), f"allowed are {drill.expect.tier_recovery}"
    yield (
        "Cost",
        cost_text(report),
        f"minutes of the service level, {significant(forecast_minutes(drill))} forecast",
    )


def _phase_cells(figures: PhaseFigures) -> list[str]:
    return [
        _seconds(figures.seconds or None),
        f"{figures.number:,}",
        f"{figures.bad:,}",
        _share(figures.availability),
        _seconds(figures.p50_seconds),
        _seconds(figures.p95_seconds),
        _seconds(figures.p99_seconds),
        significant(figures.goodput),
    ]


def _alert_rows(report: DrillReport, drill: Drill) -> Iterator[tuple[str, list[str]]]:
    for alert in drill.expect.alerts:
        yield (
            alert.name,
            [
                _seconds(detected_seconds(alert, report)),
                alert.detect_within,
                _seconds(resolved_seconds(alert, report)),
                alert.resolve_within,
            ],
        )


def _method(entry: Entry) -> Iterator[tuple[str, str]]:
    report, drill = entry.report, entry.drill
    yield "Method", "; ".join(step_text(step) for step in drill.method)
    yield "Load", f"{drill.load.per_second:g} requests a second, {drill.load.retries} retries"
    yield "Length", format_duration(report.seconds)
    yield "Control", str(drill.control)
    if drill.catalogue:
        yield "Catalogue", ", ".join(str(row) for row in drill.catalogue)
    if report.mitigation is not None:
        done = report.mitigation
        ended = "not at all" if done.ended_seconds is None else f"after {format_duration(done.ended_seconds)}"
        yield "Runbook", f"{done.command}: {'worked' if done.worked else 'failed'}, the trouble ended {ended}"
    for dependency, most in drill.expect.most_calls.items():
        growth = report.call_growth(dependency)
        if growth is not None:
            yield (
                f"Calls to {dependency}",
                f"{growth:.2f} times as often as usual for a feed, allowed are {most:g}",
            )
    for seen in report.counters:
        yield "Counted", f"{counter_text(seen.metric, seen.labels)} grew by {seen.growth:g}"
    if report.failures:
        yield "Failures", ", ".join(f"{status}: {number:,}" for status, number in report.failures.items())
    yield "Restarts", str(report.restarts)
    yield "Book", entry.book_digest


def _share(share: float | None) -> str:
    return "-" if share is None else share_text(share)


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return format_duration(seconds) if seconds >= 0 else f"-{format_duration(-seconds)}"
