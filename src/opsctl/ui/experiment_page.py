"""What does the page of an experiment hold: tiles, rows, the forest, lifts over time, and what a simulation knows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opsctl.experiments.analysis.model import Analysis, Result
from opsctl.experiments.metric_book import Role
from opsctl.experiments.peeks import Peek
from opsctl.experiments.statistics.estimates import Interval
from opsctl.experiments.studies.model import Study
from opsctl.experiments.studies.summary import agreements, learnings, stabilities
from opsctl.experiments.verdict import Outcome
from opsctl.ui.experiment_charts import INKS, lift_chart, regret_chart, units_chart
from opsctl.ui.experiment_words import (
    difference_interval,
    effect_words,
    ink_of,
    peek_cells,
    percent,
    preference_words,
    value_words,
)
from opsctl.ui.reports import render_report
from opsctl.ui.show_analysis import p_words, plain_words

_SIGNS = {
    Outcome.SHIP: ("✔", "good"),
    Outcome.DO_NOT_SHIP: ("✘", "doubt"),
    Outcome.KEEP_RUNNING: ("…", "doubt"),
    Outcome.INVALID: ("✘", "bad"),
}
_FOREST_MARGIN = 1.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One experiment, with all that its page shows.

    Args:
        analysis: the newest one.
        peeks: every look at it.
        units: by moment, the units of each arm so far.
        study: its simulation, where there is one.
    """

    analysis: Analysis
    peeks: Sequence[Peek] = ()
    units: Sequence[tuple[datetime, Mapping[str, int]]] = field(default_factory=tuple)
    study: Study | None = None


def render_experiment_page(reported: Reported) -> str:
    """Return one HTML page: no script, no outside resource, every text escaped."""
    analysis = reported.analysis
    experiment, subject = analysis.subject.experiment, analysis.subject
    return render_report(
        "experiment.html.j2",
        title=experiment.title,
        name=subject.name,
        standing=_standing(analysis),
        arm=analysis.verdict.arm or "",
        reasons=analysis.verdict.reasons,
        simulated=analysis.simulated,
        stands=reported.study.stands if reported.study else (),
        hypothesis=experiment.hypothesis,
        decision=experiment.decision,
        tiles=list(_tiles(reported)),
        forest=_forest(analysis.results),
        rows=[_row(each) for each in analysis.results],
        meetings=analysis.meetings,
        notes=list(
            dict.fromkeys(f"{each.metric}: {note}" for each in analysis.results for note in each.notes)
        ),
        checks=[
            {
                "sign": "✘" if each.is_fault else "!" if each.is_warning else "✔",
                "ink": "bad" if each.is_fault else "doubt" if each.is_warning else "good",
                "name": each.name,
                "says": each.says,
            }
            for each in analysis.checks
        ],
        lifts=_lift_charts(analysis),
        units=units_chart(analysis, [(at, dict(each)) for at, each in reported.units]),
        study=_study(reported.study) if reported.study else None,
        peeks=[peek_cells(each) for each in reported.peeks],
        method=list(_method(analysis)),
    )


def render_index(reported: Sequence[Reported]) -> str:
    """Return the page that lists all experiments, each with its verdict."""
    return render_report(
        "experiments.html.j2",
        rows=[
            {
                "name": each.analysis.subject.name,
                "title": each.analysis.subject.experiment.title,
                "standing": _standing(each.analysis),
                "arm": each.analysis.verdict.arm or "",
                "reason": each.analysis.verdict.reasons[0] if each.analysis.verdict.reasons else "",
                "units": f"{sum(each.analysis.units.values()):,}",
                "simulated": bool(each.analysis.simulated),
                "primary": [
                    f"{result.metric}: {result.shown.effect}"
                    for result in each.analysis.results
                    if result.role is Role.PRIMARY
                ],
            }
            for each in reported
        ],
    )


def _standing(analysis: Analysis) -> dict[str, str]:
    sign, ink = _SIGNS[analysis.verdict.outcome]
    return {"sign": sign, "ink": ink, "word": analysis.verdict.outcome.words}


def _tiles(reported: Reported) -> Iterator[tuple[str, str, str]]:
    analysis = reported.analysis
    total = sum(analysis.units.values())
    planned = analysis.subject.experiment.units
    yield "Units", f"{total:,}", f"of {planned:,} planned" if planned else "over all arms"
    ratio = next((check for check in analysis.checks if check.p_value is not None), None)
    if ratio is not None and ratio.p_value is not None:
        yield "Sample ratio", f"p = {p_words(ratio.p_value)}", "below 0.001 would be a mismatch"
    for result in analysis.results:
        if result.role is Role.PRIMARY:
            yield result.metric, effect_words(result), f"{result.arm}, p = {p_words(result.adjusted_p)}"
    yield "Looks", f"{len(reported.peeks)}", "each is recorded"


def _row(result: Result) -> dict[str, object]:
    interval = result.inference.lift
    return {
        "metric": result.metric,
        "arm": result.arm,
        "role": result.role.value,
        "control": value_words(result.control),
        "treatment": value_words(result.treatment),
        "lift": effect_words(result),
        "interval": f"{100 * interval.low:+.1f} % to {100 * interval.high:+.1f} %"
        if isinstance(interval, Interval)
        else difference_interval(result),
        "p": p_words(result.adjusted_p),
        "shown": plain_words(result),
        "ink": ink_of(result),
        "cuped": f"{result.variance_reduction:.0%}" if result.variance_reduction > 0 else "-",
        "needed": f"{result.shown.needed_units:,}" if result.shown.needed_units else "-",
    }


def _forest(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return a row for each lift with an interval: places in percent of a common axis, 0 in the middle."""
    told = [(each, lift) for each in results if isinstance(lift := each.inference.lift, Interval)]
    reach = max((max(abs(i.low), abs(i.high)) for _, i in told), default=0.0)
    reach = _FOREST_MARGIN * reach or 1.0
    return [
        {
            "name": each.metric,
            "arm": each.arm,
            "role": each.role.value,
            "left": 50 + 50 * interval.low / reach,
            "width": 50 * (interval.high - interval.low) / reach,
            "dot": 50 + 50 * (each.lift or 0.0) / reach,
            "text": each.shown.effect,
            "ink": ink_of(each) or "f",
        }
        for each, interval in told
    ]


def _lift_charts(analysis: Analysis) -> list[object]:
    days = analysis.subject.experiment.horizon_seconds / 86_400
    order = {Role.PRIMARY: 0, Role.GUARDRAIL: 1, Role.SECONDARY: 2}
    charts = [
        lift_chart(each, started_at=analysis.subject.started_at, days=days)
        for each in sorted(analysis.results, key=lambda each: order[each.role])
    ]
    return [chart for chart in charts if chart is not None]


def _study(study: Study) -> dict[str, object]:
    learned = learnings(study)
    inks = {arm: INKS[place % len(INKS)] for place, arm in enumerate(study.worlds[0].regret)}
    return {
        "worlds": len(study.worlds),
        "regret": regret_chart(learned, inks=inks),
        "agreements": [
            {
                "metric": each.metric,
                "arm": each.arm,
                "cells": [
                    percent(each.observed),
                    percent(each.true),
                    f"{each.covered} of {each.worlds}",
                    f"{each.found} of {each.worlds}",
                    str(each.wrong),
                ],
            }
            for each in agreements(study)
        ],
        "learned": [
            {
                "arm": each.arm,
                "cells": [
                    f"{each.area:.4f}",
                    f"{each.low:.4f} to {each.high:.4f}" if math.isfinite(each.low) else "-",
                    f"{each.last_reward:.1%}",
                    str(each.day_near_best) if each.day_near_best else "-",
                ],
            }
            for each in learned
        ],
        "shaky": [
            f"{each.metric} of {each.arm}: {percent(each.least)} to {percent(each.greatest)}"
            for each in stabilities(study)
            if not each.is_robust
        ],
        "variants": len(study.variants),
        "preference": preference_words(study),
    }


def _method(analysis: Analysis) -> Iterator[tuple[str, str]]:
    subject, experiment = analysis.subject, analysis.subject.experiment
    yield "Started", f"{subject.started_at:%Y-%m-%d %H:%M} UTC"
    yield "Up to", f"{analysis.at:%Y-%m-%d %H:%M} UTC"
    yield "Arms", ", ".join(f"{name} ({arm.weight:.0%})" for name, arm in experiment.arms.items())
    yield "Stopping rule", experiment.stopping.rule.value.replace("_", " ")
    yield "Alpha, power", f"{experiment.alpha:g}, {experiment.power:g}"
    yield "Owner", experiment.owner
    yield "Book", subject.digest
    for method, certificate in analysis.certificates.items():
        yield f"Certificate of {method}", certificate
