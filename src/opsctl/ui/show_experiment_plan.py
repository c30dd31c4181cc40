"""How does a plan look: what each metric needs and gets, and what would help where that is too little."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from opsctl.experiments.effects import Effect
from opsctl.experiments.metric_book import Baseline
from opsctl.experiments.sizes import Sized, SizedExperiment, Together, Ways
from opsctl.experiments.statistics.feasibility import Reach, Sharing
from opsctl.ui.console import hint, print_line
from opsctl.ui.table import show_table

_WORDS = {
    Sharing.AS_DECLARED: "as the books say",
    Sharing.OVERLAPPING: "overlapping",
    Sharing.EXCLUSIVE: "exclusive",
}


def show_sizes(sizes: Sequence[SizedExperiment]) -> None:
    """Print how far each experiment gets with the units of its book."""
    rows = [_row(each, metric) for each in sizes for metric in each.metrics]
    titles = ("experiment", "metric", "role", "to find", "units", "needed", "finds", "")
    show_table(titles, rows)
    for each in sizes:
        arms = ", ".join(f"{name} {number:,}" for name, number in each.arms.items())
        print_line(
            f"{each.name}: {arms or 'units not said'}; {each.share * 100:.4g} % of all units may be in it"
        )
        for metric in each.metrics:
            if metric.reach is not None and metric.reach.refusal is not None:
                print_line(f"  {metric.metric}: {'; '.join(metric.reach.advice)}")
            elif metric.unknown is not None and metric.role.value == "primary":
                print_line(f"  {metric.unknown.because}")


def show_measured(
    measured: Mapping[str, Mapping[str, Baseline]],
    *,
    sizes: Sequence[SizedExperiment],
    simulated: Collection[str] = (),
) -> None:
    """Print the baselines that were measured, and how to measure those that nobody knows."""
    for name, baselines in measured.items():
        where = "the control of simulated readers" if name in simulated else "the control"
        for metric, each in baselines.items():
            deviation = 0.0 if each.deviation is None else each.deviation
            past = f", correlation with its past {each.correlation:.2f}" if each.correlation else ""
            print_line(
                f"{name}: {metric} measured in {where}: mean {each.mean:.4g}, deviation {deviation:.4g}{past}"
            )
    unknown = [each.name for each in sizes if each.is_unknown]
    if unknown:
        hint(
            f"missing baselines are measured in the control of an earlier run: `opsctl experiments simulate {unknown[0]}`"
            f" or `opsctl experiments export FOLDER`, then `opsctl experiments plan {unknown[0]} --from FOLDER`"
        )


def show_together(together: Together, *, start: date) -> None:
    """Print by when each experiment is done, for each way to divide the readers that come."""
    if not together.ways:
        print_line("nothing is known of any primary metric")
        return
    print_line("")
    show_table(("experiment", "metric", *_columns(together.ways)), _dates(together.ways, start=start))
    if together.exclusive_days is not None:
        print_line(
            f"exclusive, each with the part that it needs: all done after {together.exclusive_days} days"
        )
    hint(
        "overlapping experiments all get everybody; their arms are independent, and the analysis screens pairs"
    )


def _row(sized: SizedExperiment, metric: Sized) -> tuple[str, ...]:
    names = (sized.name, metric.metric, metric.role.value)
    if metric.reach is None:
        return (
            *names,
            "",
            "" if sized.units is None else f"{sized.units:,}",
            "?",
            "?",
            "[yellow]? unknown[/]",
        )
    reach = metric.reach
    return (
        *names,
        _effect(reach.demand.effect),
        f"{reach.units:,}",
        f"{reach.units_needed:,}",
        _found(reach),
        "[green]✔ enough[/]" if reach.refusal is None else "[red]✘ too few[/]",
    )


def _columns(ways: Ways) -> tuple[str, ...]:
    return tuple(
        f"{_WORDS[sharing]}{', CUPED' if with_pre_period else ''}" for sharing, with_pre_period in ways
    )


def _dates(ways: Ways, *, start: date) -> list[tuple[str, ...]]:
    by_metric: dict[tuple[str, str], list[str]] = {}
    for reaches in ways.values():
        for reach in reaches:
            key = (reach.demand.name, reach.demand.metric)
            by_metric.setdefault(key, []).append(_date(reach, start=start))
    return [(*key, *cells) for key, cells in by_metric.items()]


def _date(reach: Reach, *, start: date) -> str:
    done = reach.done_on(start)
    days = "never" if done is None else f"{done} ({reach.done_days} d)"
    color = "green" if reach.refusal is None else "red"
    return f"[{color}]{days}[/]"


def _effect(effect: Effect) -> str:
    return f"{100 * effect.size:.3g} %" if effect.is_relative else f"{effect.size:.3g}"


def _found(reach: Reach) -> str:
    if reach.demand.effect.is_relative:
        return f"{100 * reach.detectable_share:.3g} %"
    return f"{reach.detectable:.3g}"
