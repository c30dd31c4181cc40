"""What is wrong with experiments although each book is right by itself: overlaps, arms that do nothing, sizes, times."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

from opsctl.core.findings import Finding, Severity
from opsctl.core.units import format_duration, parse_duration
from opsctl.experiments.book import Experiment
from opsctl.experiments.changes import change_findings, ramp_findings
from opsctl.experiments.load_experiments import NamedExperiment
from opsctl.experiments.metric_book import MetricKind, Role
from opsctl.experiments.overlaps import overlaps
from opsctl.experiments.problems import BookPath, ChecksArms, ChecksBook, Complaint, Problem, findings_of
from opsctl.experiments.registry import Started

HOPELESS = "EXP093"
"""The code of an experiment that would probably miss what it wants to find: never started."""
AA_TAG = "aa"
"""Marks a trial of the machinery itself, whose arms are equal on purpose."""

_WEEK_SECONDS = 7 * 86_400.0
_LEAST_SHARE = 0.001
_NEAREST_LOOKS = 0.005
"""`LEAST_GAP` of the statistics, which not everybody who lints has installed."""


def _no_complaint(_experiment: Experiment, _arm: str) -> Iterable[Complaint]:
    return ()


def _no_problem(_experiment: Experiment) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What books are held against.

    Args:
        arms: says what an arm cannot set.
        sizes: says whether there are enough units.
        simulations: says what the simulator would refuse.
        events: says which events nobody writes.
        starts: what was started, by name: those books must be as they were, and what has ended takes up nothing.
    """

    arms: ChecksArms = _no_complaint
    sizes: ChecksBook = _no_problem
    simulations: ChecksBook = _no_problem
    events: ChecksBook = _no_problem
    starts: Mapping[str, Started] = field(default_factory=dict)


def check_experiments(experiments: Sequence[NamedExperiment], *, checking: Checking) -> list[Finding]:
    """Return what is wrong with books that can be read, those of one file together, in the order of its lines."""
    overlapping = overlaps(experiments, ended=_ended(checking.starts))
    findings = []
    for named in experiments:
        problems = [*_problems(named.experiment, checking), *overlapping.get(named.name, ())]
        found = findings_of(problems, named=named)
        if named.name in checking.starts:
            started = checking.starts[named.name]
            found += change_findings(named, started) + ramp_findings(named, started)
        findings += sorted(found, key=_line)
    return findings


def share_of_units(experiment: Experiment) -> float:
    """Return the part of all units that may be in an experiment, before its ramp."""
    share = 1.0 - experiment.holdout
    for segment in experiment.layers.values():
        share *= segment.end - segment.start
    return share


def _problems(experiment: Experiment, checking: Checking) -> Iterator[Problem]:
    yield from _odd_arms(experiment, checking.arms)
    yield from _equal_arms(experiment)
    yield from _nobody_treated(experiment)
    yield from (near := tuple(_near_looks(experiment)))
    if not near:  # what looks cost that count as one, nobody can say
        yield from checking.sizes(experiment)
    yield from checking.simulations(experiment)
    yield from checking.events(experiment)
    yield from _odd_horizon(experiment)
    yield from _late_metrics(experiment)
    yield from _useless_pasts(experiment)
    yield from _odd_interleaving(experiment)
    if share_of_units(experiment) * experiment.ramp < _LEAST_SHARE:
        share = share_of_units(experiment) * experiment.ramp
        path: BookPath = ("layers",) if experiment.layers else ("ramp",)
        title = f"holdout, layers and ramp leave {share:.2g} of all units"
        fix = "take larger parts; what is left is drawn from anew in each layer"
        yield Problem(code="EXP017", path=path, title=title, fix=fix, severity=Severity.WARNING)
    if not experiment.of_role(Role.GUARDRAIL):
        yield Problem(
            code="EXP010",
            path=("metrics",),
            title="no metric is a guardrail, so whatever breaks, it may ship",
            fix="add one with `role: guardrail` and a `margin`, such as latency, cost, or readers who return",
            severity=Severity.WARNING,
        )


def _odd_arms(experiment: Experiment, complaints: ChecksArms) -> Iterator[Problem]:
    for name in experiment.arms:
        for complaint in complaints(experiment, name):
            key: BookPath = () if complaint.key is None else (complaint.key,)
            yield Problem(
                code="EXP005",
                path=("arms", name, "settings", *key),
                title=f"arm `{name}`: {complaint.message}",
                fix=complaint.fix or "`opsctl config schema service` shows what `ranking` may be",
            )


def _equal_arms(experiment: Experiment) -> Iterator[Problem]:
    if AA_TAG in experiment.tags:
        return
    for one, other in combinations(experiment.arms, 2):
        if _plain(experiment.arms[one].settings) == _plain(experiment.arms[other].settings):
            yield Problem(
                code="EXP006",
                path=("arms", other),
                title=f"arms `{one}` and `{other}` have the same settings, so nothing is tried",
                fix=f"set what is different; a trial of equal arms has the tag `{AA_TAG}`",
            )


def _nobody_treated(experiment: Experiment) -> Iterator[Problem]:
    if not any(experiment.arms[name].weight for name in experiment.treatments):
        yield Problem(
            code="EXP040",
            path=("arms",),
            title=f"everybody gets the control `{experiment.control}`, so there is nothing to compare with it",
            fix="give a treatment a weight",
        )


def _near_looks(experiment: Experiment) -> Iterator[Problem]:
    horizon = experiment.horizon_seconds
    planned = [(look, parse_duration(look)) for look in experiment.stopping.looks]
    before = [*((look, seconds) for look, seconds in planned if seconds < horizon), ("the horizon", horizon)]
    for place, ((one, early), (other, late)) in enumerate(pairwise(before)):
        if (late - early) / horizon < _NEAREST_LOOKS * (1 - 1e-9):
            yield Problem(
                code="EXP039",
                path=("stopping", "looks", place),
                title=f"the looks {one} and {other} are nearer to each other than half a percent of the horizon",
                fix=f"let {format_duration(_NEAREST_LOOKS * horizon)} at least lie between two looks, or leave one away",
            )


def _plain(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def _odd_horizon(experiment: Experiment) -> Iterator[Problem]:
    if experiment.horizon_seconds % _WEEK_SECONDS:
        yield Problem(
            code="EXP009",
            path=("horizon",),
            title=f"the horizon {experiment.horizon} is no whole number of weeks",
            fix=f"write `{max(1, round(experiment.horizon_seconds / _WEEK_SECONDS)) * 7}d`",
            severity=Severity.WARNING,
        )


def _late_metrics(experiment: Experiment) -> Iterator[Problem]:
    horizon = experiment.horizon_seconds
    for name, metric in experiment.metrics.items():
        needed = parse_duration(metric.after) + (parse_duration(metric.window) if metric.window else 0.0)
        if needed > horizon or (metric.window is None and needed >= horizon):
            yield Problem(
                code="EXP014",
                path=("metrics", name, "window" if metric.window else "after"),
                title=f"`{name}` is known {format_duration(needed)} after an exposure, when the experiment is over",
                fix=f"let the horizon be longer than {experiment.horizon}, or count sooner",
            )


def _useless_pasts(experiment: Experiment) -> Iterator[Problem]:
    for name, metric in experiment.metrics.items():
        if metric.baseline is not None and metric.baseline.correlation and metric.pre_period is None:
            why = (
                "a quantile has no covariate"
                if metric.kind is MetricKind.QUANTILE
                else "it has no `pre_period`"
            )
            yield Problem(
                code="EXP011",
                path=("metrics", name, "baseline", "correlation"),
                title=f"the past of `{name}` is worth nothing: {why}",
                fix="add such as `pre_period: 14d`, or leave `correlation` away",
                severity=Severity.WARNING,
            )


def _odd_interleaving(experiment: Experiment) -> Iterator[Problem]:
    if experiment.interleaving is None:
        return
    arms = [name for name, arm in experiment.arms.items() if arm.weight > 0]
    if len(arms) > 2:
        title = f"a feed is filled by turns from two arms, and there are {len(arms)}: {', '.join(arms)}"
        yield Problem(
            code="EXP015",
            path=("interleaving",),
            title=title,
            fix="leave `interleaving` away, or take two arms",
        )
    if experiment.interleaving.days * 86_400.0 >= experiment.horizon_seconds:
        title = f"interleaving for {experiment.interleaving.days} days leaves nothing of {experiment.horizon}"
        fix = "it comes before the test, and both fit into the horizon"
        yield Problem(code="EXP015", path=("interleaving", "days"), title=title, fix=fix)


def _ended(starts: Mapping[str, Started]) -> frozenset[str]:
    return frozenset(name for name, started in starts.items() if not started.is_running)


def _line(finding: Finding) -> tuple[int, int]:
    place = finding.location
    return (place.line or 0, place.column or 0) if place else (0, 0)
