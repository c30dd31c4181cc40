"""What does the page of drills of a loss hold: what was lost, how it came back stage by stage, and how readers fared."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate

from opsctl.core.units import parse_duration
from opsctl.dr.drill.journal import Entry, Journal
from opsctl.dr.drill.judge import Outcome
from opsctl.dr.drill.model import DrillRun, Stage
from opsctl.dr.drill.summary import Numbered, Summary, numbered, rpo_of, summaries, toll_of, worst
from opsctl.dr.drill.timeline import (
    Span,
    command_spans,
    destroyed_after,
    parts,
    restore_steps,
    stage_spans,
    whole_seconds,
)
from opsctl.dr.drill.words import (
    NOT_BACK,
    NOT_COUNTED,
    NOT_REACHED,
    goals_text,
    runs_text,
    seconds_text,
    share_text,
    spread_text,
    tiers_text,
    toll_text,
)
from opsctl.ui.chaos_charts import server_ink
from opsctl.ui.dr_charts import STAGE_INKS, charts_of_run, servers_of
from opsctl.ui.reports import render_report
from opsctl.ui.scales import clock_label

_SIGNS = {
    Outcome.PASSED: ("✔", "good", "passed"),
    Outcome.MISSED: ("✘", "bad", "missed"),
    Outcome.INCONCLUSIVE: ("?", "doubt", "cannot tell"),
}
_STEP_INKS = ("c", "d", "b", "a", "e", "f")


def render_dr_page(journal: Journal) -> str:
    """Return one HTML page of a run: no script, no outside resource, every text escaped."""
    found = summaries(journal.entries)
    entries = numbered(journal.entries)
    return render_report(
        "dr.html.j2",
        title=_title(found),
        standing=_standing(worst([summary.outcome for summary in found])),
        run_id=journal.run_id,
        simulated=journal.simulated,
        stages=[str(stage) for stage in Stage],
        overview=[_overview_row(summary, entries) for summary in found] if len(entries) > 1 else [],
        sections=[_section(each, place) for place, each in enumerate(entries)],
    )


def _title(found: Sequence[Summary]) -> str:
    if len(found) == 1:
        return f"Drill {found[0].scenario}"
    passed = sum(summary.outcome is Outcome.PASSED for summary in found)
    return f"{passed} of {len(found)} losses came back within their objectives"


def _standing(outcome: Outcome) -> dict[str, str]:
    sign, ink, word = _SIGNS[outcome]
    return {"sign": sign, "ink": ink, "word": word}


def _overview_row(summary: Summary, entries: Sequence[Numbered]) -> dict[str, object]:
    places = [place for place, each in enumerate(entries) if each.entry.run.scenario == summary.scenario]
    return {
        "anchors": [f"drill-{place}" for place in places],
        "name": summary.scenario,
        "standing": _standing(summary.outcome),
        "passed": runs_text(summary).split(", "),
        "rpo": spread_text(summary.rpo, missing=NOT_COUNTED).split(" / "),
        "rto": spread_text(summary.rto, missing=NOT_BACK).split(" / "),
        "toll": toll_text(summary.toll),
        "objectives": goals_text(summary.goals).split(", "),
        "stages": [
            spread_text(summary.stages.get(stage), missing=NOT_REACHED).split(" / ") for stage in Stage
        ],
    }


def _section(each: Numbered, place: int) -> dict[str, object]:
    entry, run = each.entry, each.entry.run
    return {
        "anchor": f"drill-{place}",
        "name": each.name,
        "title": run.title,
        "why": entry.recovery.why,
        "standing": _standing(entry.verdict.outcome),
        "reasons": entry.verdict.reasons,
        "tiles": list(_tiles(entry)),
        "charts": charts_of_run(run),
        "servers": [(server.replace("_", " "), server_ink(server)) for server in servers_of(run)],
        "destroyed": _percent(destroyed_after(run), run),
        "stage_lane": [_lane_bar(span, run, ink=STAGE_INKS[Stage(span.name)]) for span in stage_spans(run)],
        "commands": list(_commands(run)),
        "stage_title": "From the loss until readers were served"
        if run.rto_seconds is not None
        else "From the loss on; readers were not served again",
        "stage_bar": _whole_bar(
            [(str(seen.stage), seen.seconds, STAGE_INKS[seen.stage]) for seen in run.stages]
        ),
        "step_bar": _whole_bar(
            [
                (name, seconds, _STEP_INKS[number % len(_STEP_INKS)])
                for number, (name, seconds) in enumerate(restore_steps(run))
            ]
        ),
        "losses": list(_losses(run)),
        "parts": list(_parts(run)) if run.points else [],
        "method": list(_method(entry)),
    }


def _tiles(entry: Entry) -> Iterator[tuple[str, str, str]]:
    run, goals = entry.run, entry.goals
    if run.destroyed_at is None:
        yield "Loss", "not made", "the reasons stand above"
        return
    rpo, rto = (_whole(seconds_text(each, missing="-")) for each in (goals.rpo_seconds, goals.rto_seconds))
    yield "RPO", seconds_text(rpo_of(run), missing=NOT_COUNTED), f"of work lost, allowed are {rpo}"
    yield (
        "RTO",
        seconds_text(run.rto_seconds, missing=NOT_BACK),
        f"until readers are served, allowed are {rto}",
    )
    toll = toll_of(run)
    if toll is not None:
        acknowledged = sum(loss.acknowledged for loss in run.losses)
        yield "Rows lost", f"{toll.lost:,}", f"of {acknowledged:,} acknowledged ones"
        if toll.given_up:
            yield "Given up", f"{toll.given_up:,}", "rows of after the loss, to go back before it"
    if run.served_while_gone is not None:
        tiers = tiers_text(run).replace(" %", "\N{NO-BREAK SPACE}%")
        by = f"fresh ones by {tiers}" if tiers else "none of them fresh"
        yield "Answered while gone", share_text(run.served_while_gone), by


def _whole(quantity: str) -> str:
    """Return a quantity that no line end parts."""
    return quantity.replace(" ", "\N{NO-BREAK SPACE}")


def _commands(run: DrillRun) -> Iterator[dict[str, object]]:
    spans: Sequence[Span | None] = command_spans(run) or [None] * len(run.commands)
    for number, (command, span) in enumerate(zip(run.commands, spans, strict=True), start=1):
        is_good = not command.exit_code
        yield {
            "number": number,
            "command": command.command.strip(),
            "took": seconds_text(command.seconds, missing="-"),
            "result": "✔ done" if is_good else f"✘ exit {command.exit_code}",
            "ink": "good" if is_good else "bad",
            "tail": "" if is_good else command.tail.strip()[-1000:],
            "begins": "" if span is None else clock_label(round(span.begins)),
            "bar": None if span is None else _lane_bar(span, run, ink="f" if is_good else "bad"),
        }


def _lane_bar(span: Span, run: DrillRun, *, ink: str) -> dict[str, object]:
    """Return a stretch on the axis of the charts, in percent."""
    left = _percent(span.begins, run) or 0.0
    return {"ink": ink, "left": left, "width": (_percent(span.ends, run) or 0.0) - left}


def _whole_bar(stretches: Sequence[tuple[str, float, str]]) -> list[dict[str, object]]:
    """Return parts of a whole, one after the other, in percent of it."""
    whole = sum(seconds for _, seconds, _ in stretches) or 1.0
    edges = accumulate((seconds for _, seconds, _ in stretches), initial=0.0)
    return [
        {
            "name": name.replace("_", " "),
            "ink": ink,
            "left": 100 * edge / whole,
            "width": 100 * seconds / whole,
            "text": f"{seconds_text(seconds, missing='-')}, {share_text(seconds / whole)}",
        }
        for (name, seconds, ink), edge in zip(stretches, edges, strict=False)
    ]


def _losses(run: DrillRun) -> Iterator[tuple[str, list[str]]]:
    for loss in run.losses:
        rate = run.acknowledged_per_second.get(loss.stream)
        yield (
            loss.stream,
            [
                f"{loss.acknowledged:,}",
                "-" if rate is None else f"{rate:.1f}",
                f"{loss.tail:,}",
                f"{loss.holes:,}",
                f"{loss.phantoms:,}",
                f"{run.given_up.get(loss.stream, 0):,}",
                seconds_text(loss.rpo_seconds, missing="-"),
                ", ".join(str(number) for number in loss.first_lost) or "-",
            ],
        )


def _parts(run: DrillRun) -> Iterator[tuple[str, list[str]]]:
    for part in parts(run):
        number = part.good + part.bad
        yield (
            part.name,
            [
                seconds_text(part.seconds, missing="-"),
                f"{number:,}",
                f"{part.bad:,}",
                share_text(part.good / number) if number else "-",
                seconds_text(part.worst_p99_seconds, missing="-"),
            ],
        )


def _method(entry: Entry) -> Iterator[tuple[str, str]]:
    run, recovery = entry.run, entry.recovery
    yield "Loses", ", ".join(str(loss) for loss in recovery.loses)
    yield "When", f"{str(recovery.moment).replace('_', ' ')}, seed {run.seed}"
    if run.destroyed_at is not None:
        at = datetime.fromtimestamp(run.destroyed_at, tz=UTC)
        yield (
            "Destroyed",
            f"{at:%Y-%m-%d %H:%M:%S} UTC, {seconds_text(destroyed_after(run), missing='-')} after the start",
        )
    after = seconds_text(parse_duration(recovery.discovered_after), missing="-")
    noticed = f"no alert; somebody notices after {after}"
    yield "Told by", recovery.alert or noticed
    yield "Objectives", goals_text(entry.goals)
    yield "Runbook", f"recover_{run.scenario}.md"
    yield "Backup", run.backup_id or "none"
    if run.losses:
        yield "Divergence", f"{run.divergence:,} rows in one store and not in the other"
    yield "Book", entry.book_digest


def _percent(second: float | None, run: DrillRun) -> float | None:
    return None if second is None else min(100.0, max(0.0, 100 * second / whole_seconds(run)))
