"""Are there enough units for what an experiment wants to find: by its own number of units, or by the traffic there is."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from opsctl.core.findings import Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.check_experiments import HOPELESS
from opsctl.experiments.load_experiments import NamedExperiment
from opsctl.experiments.metric_book import Baseline, Role
from opsctl.experiments.problems import Problem
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.demands import demands_of, eligible_share
from opsctl.experiments.statistics.feasibility import (
    Demand,
    Reach,
    Sharing,
    exclusive_days,
    solve,
    solve_all,
)
from opsctl.experiments.statistics.traffic import Traffic, everybody

_UNKNOWN = "EXP094"
_NO_UNITS = "EXP008"

Ways = Mapping[tuple[Sharing, bool], tuple[Reach, ...]]
"""How far each metric gets, by how units are divided, and by whether CUPED is counted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """One metric of one experiment.

    Args:
        metric: its name.
        role: what it decides.
        reach: how far it gets; None where nobody can say.
        unknown: why nobody can.
    """

    metric: str
    role: Role
    reach: Reach | None = None
    unknown: CannotTell | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedExperiment:
    """One experiment.

    Args:
        units: expected by the horizon, over all arms; None where the book does not say.
        arms: how many of them each arm gets.
        share: of all units that may be in it.
        metrics: how far each of them gets.
    """

    name: str
    units: int | None
    arms: Mapping[str, int]
    share: float
    metrics: tuple[Sized, ...]

    @property
    def is_hopeless(self) -> bool:
        """Tell whether a primary metric would probably miss what is worth finding."""
        return any(each.reach is not None and each.reach.refusal is not None for each in self._primary)

    @property
    def is_unknown(self) -> bool:
        """Tell whether nobody can say of a primary metric how far it gets."""
        return any(each.reach is None for each in self._primary)

    @property
    def _primary(self) -> tuple[Sized, ...]:
        return tuple(each for each in self.metrics if each.role is Role.PRIMARY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Several experiments at the same time, with the traffic that there is.

    Args:
        ways: how far their primary metrics get.
        exclusive_days: how long mutually exclusive ones need at best; None where that is more than a year.
        unknown: why nobody can say of some metrics, by experiment.
    """

    ways: Ways
    exclusive_days: int | None
    unknown: Mapping[str, tuple[CannotTell, ...]]


def sized(named: NamedExperiment, *, baselines: Mapping[str, Baseline] | None = None) -> SizedExperiment:
    """Return how far an experiment gets with the units that its book expects.

    Args:
        named: the experiment.
        baselines: measured ones, by metric; they are taken before those of the book.
    """
    experiment = named.experiment
    units = experiment.units
    weights = {name: arm.weight for name, arm in experiment.arms.items()}
    return SizedExperiment(
        name=named.name,
        units=units,
        arms={} if units is None else {name: round(units * weight) for name, weight in weights.items()},
        share=eligible_share(experiment),
        metrics=tuple(_sized(named.name, experiment, baselines)),
    )


def together(
    experiments: Sequence[NamedExperiment],
    traffic: Traffic,
    *,
    baselines: Mapping[str, Mapping[str, Baseline]] | None = None,
) -> Together:
    """Return how far several experiments get at the same time, for each way to divide the units.

    Args:
        experiments: all that want units.
        traffic: who comes.
        baselines: measured ones, by experiment and metric.
    """
    demands, unknown = list[Demand](), dict[str, tuple[CannotTell, ...]]()
    for named in experiments:
        found = _demands(named.name, named.experiment, (baselines or {}).get(named.name), (Role.PRIMARY,))
        demands += [each for each in found.values() if isinstance(each, Demand)]
        missing = tuple(each for each in found.values() if isinstance(each, CannotTell))
        if missing:
            unknown[named.name] = missing
    return Together(
        ways=solve_all(demands, traffic) if demands else {},
        exclusive_days=exclusive_days(demands, traffic) if demands else None,
        unknown=unknown,
    )


def size_problems(experiment: Experiment) -> Iterator[Problem]:
    """Yield what an experiment would probably miss, and what nobody can say of it.

    Where it is simulated first, too few units are a warning: a simulation may be run to see how much they are too few.
    """
    if experiment.units is None:
        yield Problem(
            code=_NO_UNITS,
            path=("metrics",),
            title="how many units there will be is not said, so nobody knows whether they are enough",
            fix="add `units: ...`, over all arms by the horizon; `opsctl experiments plan --daily N` says more",
            severity=Severity.WARNING,
        )
    severity = Severity.ERROR if experiment.simulation is None else Severity.WARNING
    for each in _sized("it", experiment, None):
        match each:
            case Sized(role=Role.PRIMARY, unknown=CannotTell(code="EXP094") as unknown):
                yield _unknown(each, unknown)
            case Sized(role=Role.PRIMARY, reach=Reach(refusal=CannotTell()) as reach):
                yield _hopeless(each, reach, severity=severity)
            case Sized(role=Role.GUARDRAIL, reach=Reach(refusal=CannotTell()) as reach):
                yield _unguarded(each, reach)
            case _:
                pass


def _sized(name: str, experiment: Experiment, baselines: Mapping[str, Baseline] | None) -> Iterator[Sized]:
    for metric, demand in _demands(name, experiment, baselines, tuple(Role)).items():
        role = experiment.metrics[metric].role
        if isinstance(demand, CannotTell):
            yield Sized(metric=metric, role=role, unknown=demand)
        elif experiment.units is None:
            because = f"`{metric}`: the book does not say how many `units` there will be"
            yield Sized(metric=metric, role=role, unknown=CannotTell(code=_NO_UNITS, because=because))
        else:
            # The book's number is of units that are in it, whatever its layers and ramp.
            whole = replace(demand, share=1.0, open_share=1.0)
            (reach,) = solve([whole], everybody(experiment.units))
            yield Sized(metric=metric, role=role, reach=reach)


def _demands(
    name: str, experiment: Experiment, baselines: Mapping[str, Baseline] | None, roles: Collection[Role]
) -> dict[str, Demand | CannotTell]:
    """Return what is wanted of each metric, one by one: a baseline that cannot be of its metric spoils no other."""
    found: dict[str, Demand | CannotTell] = {}
    for metric, each in experiment.metrics.items():
        if each.role not in roles:
            continue
        known = (baselines or {}).get(metric) or each.baseline
        try:
            asked = {metric: known} if known else {}
            demands = demands_of(name, _without_baselines(experiment), baselines=asked, roles=[each.role])
            found[metric] = demands[metric]
        except ValueError as error:
            found[metric] = CannotTell(code=_UNKNOWN, because=f"`{metric}`: {error}")
    return found


def _without_baselines(experiment: Experiment) -> Experiment:
    """Return a book in which nothing is known; what tests share alpha is the same."""
    metrics = {
        name: metric.model_copy(update={"baseline": None}) for name, metric in experiment.metrics.items()
    }
    return experiment.model_copy(update={"metrics": metrics})


def _unknown(each: Sized, unknown: CannotTell) -> Problem:
    return Problem(
        code=_UNKNOWN,
        path=("metrics", each.metric),
        title=f"nobody can say whether there are enough units: {unknown.because}",
        fix="a primary metric needs its `mde` (or `margin`) and a `baseline`: `{mean: 0.2}`, mostly with a `deviation`",
        severity=Severity.WARNING,
    )


def _unguarded(each: Sized, reach: Reach) -> Problem:
    return Problem(
        code="EXP036",
        path=("metrics", each.metric, "margin"),
        title=f"`{each.metric}` needs {reach.units_needed:,} units to show its margin, and gets {reach.units:,}",
        evidence="; ".join(reach.advice),
        fix="a guardrail that cannot be shown to hold holds up the verdict, or is one in name only",
        severity=Severity.INFO,
    )


def _hopeless(each: Sized, reach: Reach, *, severity: Severity) -> Problem:
    return Problem(
        code=HOPELESS,
        path=("metrics", each.metric, "mde"),
        title=f"`{each.metric}` needs {reach.units_needed:,} units for what it wants to find, and gets {reach.units:,}",
        evidence="; ".join(reach.advice),
        fix="more units, a larger effect, or a pre-period: `opsctl experiments plan` shows what would be enough",
        severity=severity,
    )
