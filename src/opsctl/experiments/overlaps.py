"""Do two experiments share units, and do they then get in each other's way?"""

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from opsctl.core.findings import Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.load_experiments import NamedExperiment
from opsctl.experiments.problems import Problem


def share_no_unit(one: Experiment, other: Experiment) -> bool:
    """Tell whether two experiments are kept apart: in at least one layer that they share, their parts do not overlap."""
    return any(
        min(one.layers[layer].end, other.layers[layer].end)
        <= max(one.layers[layer].start, other.layers[layer].start)
        for layer in shared_layers(one, other)
    )


def clashes(one: Experiment, name: str, *, beside: Experiment, called: str) -> Iterator[Problem]:
    """Yield why an experiment cannot run beside another one, at places of its own book."""
    if not share_no_unit(one, beside):
        yield from _layer_clash(one, name, other=beside, other_name=called)
        yield from _setting_clash(one, name, other=beside, other_name=called)


def shared_layers(one: Experiment, other: Experiment) -> tuple[str, ...]:
    """Return the layers that both are in; without any, they overlap on purpose, and their arms are independent."""
    return tuple(layer for layer in one.layers if layer in other.layers)


def overlaps(experiments: Sequence[NamedExperiment], *, ended: Collection[str]) -> dict[str, list[Problem]]:
    """Return what is wrong between each two that have not ended, by the name of the later one."""
    found: dict[str, list[Problem]] = {}
    for one, other in combinations((each for each in experiments if each.name not in ended), 2):
        problems = clashes(other.experiment, other.name, beside=one.experiment, called=one.name)
        found.setdefault(other.name, []).extend(problems)
    return found


def _layer_clash(one: Experiment, name: str, *, other: Experiment, other_name: str) -> Iterator[Problem]:
    layers = shared_layers(one, other)
    if not layers:
        return
    mine, theirs = one.layers[layers[0]], other.layers[layers[0]]
    yield Problem(
        code="EXP004",
        path=("layers", layers[0]),
        title=f"`{other_name}` and `{name}` overlap in the layer `{layers[0]}`",
        evidence=f"{other_name} has {theirs.start:g} to {theirs.end:g}, {name} {mine.start:g} to {mine.end:g}",
        fix="let one begin where the other ends, or take one out of the layer",
    )


def _setting_clash(one: Experiment, name: str, *, other: Experiment, other_name: str) -> Iterator[Problem]:
    theirs = {key for arm in other.arms.values() for key in arm.settings}
    for arm, each in one.arms.items():
        for key in sorted(theirs & each.settings.keys()):
            yield Problem(
                code="EXP018",
                path=("arms", arm, "settings", key),
                title=f"`{other_name}` and `{name}` both set `{key}`, and share units",
                fix="put both into one layer, in parts that do not overlap; or let one end before the other begins",
                severity=Severity.WARNING,  # until one of them runs
            )
            return
