"""What may an experiment find, and by when: sizes from the books, dates from the traffic that is said to come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError, UsageError
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from opsctl.experiments.load_experiments import NamedExperiment
    from opsctl.experiments.metric_book import Baseline
    from opsctl.experiments.sizes import SizedExperiment, Together
    from opsctl.experiments.statistics.feasibility import Reach
    from opsctl.experiments.statistics.traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Experiments by the units of their books, and together where the traffic is known.

    Args:
        measured: baselines that no book writes, by experiment and metric.
        simulated: experiments of which they are of simulated readers.
    """

    sizes: "tuple[SizedExperiment, ...]"
    together: "Together | None"
    start: date
    measured: "Mapping[str, Mapping[str, Baseline]]" = field(default_factory=dict)
    simulated: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """Return how the command ends: one hopeless experiment is bad, one that nobody can judge is no good either."""
        if any(each.is_hopeless for each in self.sizes):
            return ExitCode.BAD_VERDICT
        return ExitCode.INCONCLUSIVE if any(each.is_unknown for each in self.sizes) else ExitCode.GOOD


def require_statistics() -> None:
    """Refuse where what statistics rest on is not installed.

    Raises:
        NotReadyError: EXP034.
    """
    from importlib.util import find_spec

    if find_spec("scipy") is None:
        raise NotReadyError(
            "the statistics of experiments are not installed",
            code="EXP034",
            why="scipy is missing",
            fix="pip install 'opsctl[experiments]'",
        )


def traffic(*, daily: float | None, population: float | None, evenness: float | None) -> "Traffic | None":
    """Return who comes; None where nobody said.

    Raises:
        UsageError: EXP035 it makes no sense.
    """
    import math

    require_statistics()
    from opsctl.experiments.statistics.traffic import Traffic

    if daily is None:
        if population is not None or evenness is not None:
            raise UsageError(
                "how many come on a day is not said", code="EXP035", fix="add --daily, such as --daily 2000"
            )
        return None
    try:
        return Traffic(daily=daily, population=population, evenness=evenness or math.inf)
    except ValueError as error:
        raise UsageError(
            "this traffic cannot be",
            code="EXP035",
            why=str(error),
            fix="--daily is of different readers on one day, --population of all there are",
        ) from error


def first_day(text: str | None) -> date:
    """Return the day of a text such as `2026-12-07`, or today.

    Raises:
        UsageError: EXP035 it is no day.
    """
    from opsctl.cli import wiring

    try:
        return date.fromisoformat(text) if text is not None else wiring.clock().now().date()
    except ValueError as error:
        raise UsageError(
            f"`{text}` is no day", code="EXP035", why=str(error), fix="write it as --start 2026-12-07"
        ) from error


def experiments(names: Sequence[str]) -> "tuple[NamedExperiment, ...]":
    """Return the experiments of these names, or all that have not ended: those want no readers any more.

    Raises:
        UsageError: EXP001 a book is wrong, EXP003 there is no such experiment.
    """
    from opsctl.cli import experimenting

    starts = experimenting.real_starts()
    found = experimenting.chosen(names)
    return tuple(each for each in found if names or each.name not in starts or starts[each.name].is_running)


def show(plan: Plan) -> None:
    """Print a plan."""
    from opsctl.ui.show_experiment_plan import show_measured, show_sizes, show_together

    show_sizes(plan.sizes)
    show_measured(plan.measured, sizes=plan.sizes, simulated=plan.simulated)
    if plan.together is not None:
        show_together(plan.together, start=plan.start)


def plan(
    experiments: "Sequence[NamedExperiment]",
    *,
    traffic: "Traffic | None",
    start: date,
    source: Path | None = None,
) -> Plan:
    """Return how far experiments get; baselines that no book writes are measured where a folder of events is given."""
    from opsctl.experiments.sizes import sized, together

    measured = {} if source is None else _measured(experiments, source)
    return Plan(
        sizes=tuple(sized(named, baselines=measured.get(named.name)) for named in experiments),
        together=together(experiments, traffic, baselines=measured) if traffic is not None else None,
        start=start,
        measured=measured,
        simulated=_simulated(measured),
    )


def _measured(experiments: "Sequence[NamedExperiment]", source: Path) -> "dict[str, dict[str, Baseline]]":
    """Return by experiment what the control of its run was, of those that have run; each by the metrics of its book.

    Raises:
        UsageError: EXP022 none of them has run here, EXP052-EXP054 the folder cannot be read.
    """
    from opsctl.cli import experimenting
    from opsctl.experiments.baselines import measured_baselines
    from opsctl.experiments.registry import named_start
    from opsctl.experiments.warehouse.model import Trial
    from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse

    starts, warehouse = experimenting.all_starts(), ParquetWarehouse(source, bounds=Bounds(threads=1))
    ran = [named for named in experiments if named.name in starts]
    if not ran and experiments:
        named_start(starts, experiments[0].name)  # refuses, and says what to do
    found = {}
    for named in ran:
        trial = Trial.from_start(named.name, book=named.experiment, start=starts[named.name].started_at)
        found[named.name] = measured_baselines(warehouse, trial, at=trial.end)
    return {name: each for name, each in found.items() if each}


def _simulated(names: "Iterable[str]") -> tuple[str, ...]:
    from opsctl.cli import experimenting

    starts = experimenting.all_starts()
    return tuple(name for name in names if starts[name].simulated)


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return a plan for a document."""
    return {
        "experiments": [_sized_data(each, start=plan.start) for each in plan.sizes],
        "together": _together_data(plan.together, start=plan.start) if plan.together is not None else None,
        "measured_baselines": {
            name: {metric: each.model_dump() for metric, each in baselines.items()}
            for name, baselines in plan.measured.items()
        },
        "measured_on_simulated_readers": list(plan.simulated),
    }


def _sized_data(sized: "SizedExperiment", *, start: date) -> dict[str, Any]:
    return {
        "name": sized.name,
        "units": sized.units,
        "arms": sized.arms,
        "share_of_all_units": sized.share,
        "is_hopeless": sized.is_hopeless,
        "is_unknown": sized.is_unknown,
        "metrics": [
            {
                "metric": each.metric,
                "role": each.role,
                "unknown": asdict(each.unknown) if each.unknown else None,
                "reach": _reach_data(each.reach, start=start) if each.reach else None,
            }
            for each in sized.metrics
        ],
    }


def _together_data(together: "Together", *, start: date) -> dict[str, Any]:
    return {
        "ways": [
            {
                "sharing": sharing,
                "with_pre_period": with_pre_period,
                "metrics": [_reach_data(reach, start=start) for reach in reaches],
            }
            for (sharing, with_pre_period), reaches in together.ways.items()
        ],
        "exclusive_days": together.exclusive_days,
        "unknown": {name: [asdict(each) for each in missing] for name, missing in together.unknown.items()},
    }


def _reach_data(reach: "Reach", *, start: date) -> Mapping[str, Any]:
    return {
        "experiment": reach.demand.name,
        "metric": reach.demand.metric,
        "effect": reach.demand.size,
        "units": reach.units,
        "units_needed": reach.units_needed,
        "detectable": reach.detectable,
        "detectable_share": reach.detectable_share,
        "days_needed": reach.days_needed,
        "days_to_verdict": reach.done_days,
        "done_on": reach.done_on(start),
        "is_hopeless": reach.refusal is not None,
        "advice": reach.advice,
    }
