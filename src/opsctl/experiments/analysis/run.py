"""What does an experiment say: every metric of every arm by the rules of its book, the faults of its data, the verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from opsctl.experiments.analysis.checks import Seen as SeenUnits
from opsctl.experiments.analysis.checks import check_data, check_events
from opsctl.experiments.analysis.concurrent import Meeting
from opsctl.experiments.analysis.curve import curve_of
from opsctl.experiments.analysis.model import Analysis, Check, Inference, Pair, Result, Snapshot, Subject
from opsctl.experiments.analysis.pairs import NO_ARM, Estimated, estimate_arms, pairs_of
from opsctl.experiments.analysis.rules import Seen, infer, look_at, planned_looks
from opsctl.experiments.analysis.words import effect_words
from opsctl.experiments.book import Correction, Experiment, Family
from opsctl.experiments.effects import parse_effect
from opsctl.experiments.metric_book import Baseline, Metric, Role, Test
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.methods import estimation_of
from opsctl.experiments.statistics.multiplicity import Hypothesis, adjust
from opsctl.experiments.statistics.power import design_of
from opsctl.experiments.verdict import Look, Shown, judge

_PLAIN = Family(correction=Correction.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A result before the correction of its family."""

    metric: str
    arm: str
    pair: Pair
    estimated: Estimated
    inference: Inference
    result: Result


def analyse(  # noqa: PLR0913 - what an analysis is made of
    subject: Subject,
    snapshots: Sequence[Snapshot],
    *,
    seen: SeenUnits,
    simulated: tuple[str, ...] = (),
    certificates: Mapping[str, str] | None = None,
    peeks: int = 0,
    crossed: tuple[tuple[Check, ...], tuple[Meeting, ...]] = ((), ()),
) -> Analysis:
    """Return what the last of these snapshots says, given those before it.

    Args:
        subject: the experiment.
        snapshots: in the order of time, the present last; the planned looks up to now must be among them.
        seen: what is known of its units.
        simulated: what of the data was simulated.
        certificates: id of the certificate by method.
        peeks: how often somebody has looked before.
        crossed: what `cross_checks` found of experiments that run at the same time.

    Raises:
        ValueError: there is no snapshot.
    """
    if not snapshots:
        raise ValueError("there is no snapshot to analyse")
    experiment, now = subject.experiment, snapshots[-1]
    look = look_at(experiment, started_at=subject.started_at, at=now.at, ended_at=subject.ended_at)
    drafts = [
        draft
        for role in Role
        for name, metric in experiment.of_role(role).items()
        for draft in _drafts(subject, name, metric, snapshots, look=look)
    ]
    results = _corrected(experiment, drafts, look=look)
    before = [snapshot.units for snapshot in snapshots[:-1]]
    is_over = now.at >= planned_looks(experiment, started_at=subject.started_at)[-1]
    estimates = {draft.metric: draft.estimated.estimates for draft in drafts}
    checks = (
        *check_data(experiment, seen, before=before, is_over=is_over),
        *check_events(experiment, estimates),
        *crossed[0],
    )
    verdict = judge(
        [result.shown for result in results],
        look=look,
        faults=[check.says for check in checks if check.is_fault],
        favourite=_favourites(experiment, results),
    )
    return Analysis(
        subject=subject,
        at=now.at,
        look=look,
        units=now.units,
        checks=checks,
        results=results,
        verdict=verdict,
        meetings=tuple(each.words for each in crossed[1] if each.screened.is_found),
        simulated=simulated,
        certificates=dict(certificates or {}),
        peeks=peeks,
    )


def _drafts(
    subject: Subject, name: str, metric: Metric, snapshots: Sequence[Snapshot], *, look: Look
) -> list[_Draft]:
    experiment = subject.experiment
    estimates = [estimate_arms(metric, snapshot.metrics[name]) for snapshot in snapshots]
    pairs = [pairs_of(experiment, metric, each) for each in estimates]
    drafts = []
    for arm, pair in pairs[-1].items():
        history = [Seen(at=at.at, pair=each[arm]) for at, each in zip(snapshots, pairs, strict=True)]
        inference = infer(experiment, metric, history, started_at=subject.started_at, look=look)
        drafts.append(
            _Draft(
                metric=name,
                arm=arm,
                pair=pair,
                estimated=estimates[-1],
                inference=inference,
                result=_result(experiment, name, arm, pair, estimates[-1], inference, history),
            )
        )
    return drafts


def _result(  # noqa: PLR0913, PLR0917 - what a result is made of
    experiment: Experiment,
    name: str,
    arm: str,
    pair: Pair,
    estimated: Estimated,
    inference: Inference,
    history: Sequence[Seen],
) -> Result:
    metric = experiment.metrics[name]
    now = None if isinstance(pair.comparison, CannotTell) else pair.comparison
    # an interval and a lift of two moments would not fit each other
    comparison = inference.of or now
    lift = comparison.lift if comparison else None
    notes = [*estimated.notes, *(now.cautions if now else ()), inference.caution]
    return Result(
        metric=name,
        arm=arm,
        role=metric.role,
        wanted=metric.wanted,
        method=estimation_of(metric),
        control=estimated.estimates.get(experiment.control, NO_ARM),
        treatment=estimated.estimates.get(arm, NO_ARM),
        inference=inference,
        lift=None if lift is None or isinstance(lift, CannotTell) else lift.value,
        difference=comparison.difference if comparison else None,
        adjusted_p=None,
        shown=_unshown(name, arm, metric),
        detectable=_detectable(experiment, metric, pair, arm=arm),
        variance_reduction=estimated.adjusted.variance_reduction if estimated.adjusted else 0.0,
        notes=tuple(note for note in notes if note),
        curve=curve_of(experiment, history),
    )


def _corrected(experiment: Experiment, drafts: Sequence[_Draft], *, look: Look) -> tuple[Result, ...]:
    """Return the results with what is shown, at the error rate of each family."""
    adjusted: dict[tuple[str, str], float] = {}
    for role in Role:
        tests = [
            Hypothesis(metric=draft.metric, arm=draft.arm, p_value=draft.inference.p_value)
            for draft in drafts
            if draft.result.role is role
        ]
        adjusted |= adjust(tests, experiment.families.get(role, _PLAIN))
    return tuple(
        replace(
            draft.result,
            adjusted_p=adjusted.get((draft.metric, draft.arm)),
            shown=_shown(experiment, draft, p_value=adjusted.get((draft.metric, draft.arm)), look=look),
        )
        for draft in drafts
    )


def _shown(experiment: Experiment, draft: _Draft, *, p_value: float | None, look: Look) -> Shown:
    metric, inference = experiment.metrics[draft.metric], draft.inference
    is_found = look.may_decide and p_value is not None and p_value <= experiment.alpha
    towards = inference.statistic * (metric.sign if metric.wanted is Test.SUPERIORITY else 1)
    is_margin = metric.wanted is Test.NON_INFERIORITY
    needed = _needed_units(metric, draft.pair, draft.result.detectable)
    return Shown(
        metric=draft.metric,
        arm=draft.arm,
        role=metric.role,
        wanted=metric.wanted,
        effect=effect_words(draft.result),
        is_better=not is_margin and is_found and towards > 0,
        is_worse=not is_margin and is_found and towards < 0,
        keeps_margin=is_found and towards > 0 if is_margin else None,
        breaks_margin=inference.breaks_margin or (is_margin and is_found and towards < 0),
        is_underpowered=needed is not None and needed * draft.pair.share > draft.pair.units,
        needed_units=needed,
    )


def _unshown(name: str, arm: str, metric: Metric) -> Shown:
    return Shown(
        metric=name,
        arm=arm,
        role=metric.role,
        wanted=metric.wanted,
        effect="",
        is_better=False,
        is_worse=False,
    )


def _detectable(experiment: Experiment, metric: Metric, pair: Pair, *, arm: str) -> float | None:
    """Return the difference that these units find with the book's power, by its rule and corrections, as `plan` reckons."""
    if isinstance(pair.comparison, CannotTell):
        return None
    # the deviation is in the error already; of the design only the reach counts, and the price of several looks
    design = design_of(experiment, metric, arm=arm, baseline=Baseline(mean=0.5, deviation=1.0))
    assert not isinstance(design, CannotTell)  # noqa: S101 - a deviation is given
    return design.reach * math.sqrt(design.inflation) * pair.comparison.error


def _needed_units(metric: Metric, pair: Pair, detectable: float | None) -> int | None:
    """Return the units, over all arms, with which the effect worth finding would be found; None where nobody can say."""
    wanted = metric.margin if metric.wanted is Test.NON_INFERIORITY else metric.mde
    if wanted is None or detectable is None or isinstance(pair.comparison, CannotTell):
        return None
    size = parse_effect(wanted).absolute(pair.comparison.control.value)
    if not size:
        return None
    return math.ceil(pair.units / pair.share * (detectable / size) ** 2)


def _favourites(experiment: Experiment, results: Sequence[Result]) -> tuple[str, ...]:
    """Return the treatments, the one with the greatest lift of the first primary metric first."""
    name = next(iter(experiment.of_role(Role.PRIMARY)))
    sign = experiment.metrics[name].sign
    of_metric = [result for result in results if result.metric == name and result.difference is not None]
    ranked = sorted(of_metric, key=lambda result: -sign * (result.difference or 0.0))
    return tuple(result.arm for result in ranked)
