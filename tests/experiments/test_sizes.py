"""Books that could not find what they look for are told, with what would be enough."""

from typing import Any

import pytest
from statsmodels.stats.power import NormalIndPower
from tests.experiments.books import book, document, weighted

from opsctl.core.findings import Severity
from opsctl.experiments.book import Experiment
from opsctl.experiments.load_experiments import NamedExperiment
from opsctl.experiments.metric_book import Baseline, Role
from opsctl.experiments.sizes import SizedExperiment, size_problems, sized, together
from opsctl.experiments.statistics.feasibility import Sharing
from opsctl.experiments.statistics.traffic import Traffic

METRICS = document()["metrics"]


def named(experiment: Experiment, name: str = "agents") -> NamedExperiment:
    """Return an experiment under a name."""
    return NamedExperiment(name=name, file=f"{name}.yaml", experiment=experiment, text="")


def needed(experiment: Experiment, metric: str = "engaged") -> int:
    """Return how many units a metric needs."""
    (found,) = (each for each in sized(named(experiment)).metrics if each.metric == metric)
    assert found.reach is not None
    return found.reach.units_needed


def metric(**changes: Any) -> dict[str, Any]:
    """Return the primary metric of the small book, changed."""
    return {key: value for key, value in (METRICS["engaged"] | changes).items() if value is not None}


def test_sizes_agree_with_statsmodels() -> None:
    """The number of units over all arms, for arms that are alike and for arms that are not."""
    for weights in ((0.5, 0.5), (0.8, 0.2)):
        solved = NormalIndPower().solve_power(
            effect_size=0.02 / (0.2 * 0.8) ** 0.5, power=0.8, alpha=0.05, ratio=weights[1] / weights[0]
        )
        expected = solved / weights[0]

        assert needed(book(arms=weighted(*weights))) == pytest.approx(expected, rel=2e-4)


def test_a_second_primary_metric_costs_units_and_its_fault_costs_the_first_nothing() -> None:
    """Holm shares alpha among what the book declares; a baseline that cannot be is told for its metric alone."""
    one = book()
    two = book(metrics={**METRICS, "saved": metric(events=["save"])})
    impossible = book(metrics={**METRICS, "saved": metric(events=["save"], baseline={"mean": 1.2})})

    assert needed(two) > 1.15 * needed(one)
    assert needed(impossible) == needed(two)
    problems = {problem.path: problem for problem in size_problems(impossible)}
    assert problems["metrics", "saved"].code == "EXP094"
    assert "a share lies between 0 and 1" in problems["metrics", "saved"].title


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({}, None, None),
        ({"units": 1000}, "EXP093", Severity.ERROR),
        ({"units": 1000, "simulation": {"users": 1000}}, "EXP093", Severity.WARNING),
        ({"units": None}, "EXP008", Severity.WARNING),
        ({"metrics": {"engaged": metric(baseline=None)}}, "EXP094", Severity.WARNING),
        ({"metrics": {"engaged": metric(mde=None)}}, "EXP094", Severity.WARNING),
        ({"metrics": {"engaged": metric(kind="mean")}}, "EXP094", Severity.WARNING),
        ({"metrics": {"engaged": metric(baseline={"mean": 0.0})}}, "EXP094", Severity.WARNING),
    ],
)
def test_too_few_units_are_an_error_and_what_nobody_knows_a_warning(
    changes: dict[str, Any], code: str | None, severity: Severity | None
) -> None:
    """A simulation may be run to see how much they are too few."""
    found = [(problem.code, problem.severity) for problem in size_problems(book(**changes))]

    assert found == ([] if code is None else [(code, severity)])


def test_a_guardrail_that_cannot_be_shown_is_mentioned() -> None:
    """It stops nothing."""
    guard = METRICS["returned"] | {"baseline": {"mean": 0.5}, "margin": "0.5pp"}

    found = list(size_problems(book(metrics=METRICS | {"returned": guard})))

    assert [(each.code, each.severity, each.path) for each in found] == [
        ("EXP036", Severity.INFO, ("metrics", "returned", "margin"))
    ]


def test_the_units_of_a_book_are_those_in_it_whatever_its_layers_and_ramp() -> None:
    """A part of a layer lets fewer in; how many is what `units` says."""
    small = book(layers={"ranking": {"start": 0.0, "end": 0.1}}, ramp=0.5, holdout=0.2)

    found = sized(named(small))

    assert found.share == pytest.approx(0.04)
    assert found.arms == {"control": 10_000, "changed": 10_000}
    assert _units(found) == 20_000


def _units(found: SizedExperiment) -> int:
    (reach,) = (each.reach for each in found.metrics if each.role is Role.PRIMARY)
    assert reach is not None
    return reach.units


def test_a_measured_baseline_counts_before_the_one_of_the_book() -> None:
    """A rarer event needs more units."""
    found = sized(named(book()), baselines={"engaged": Baseline(mean=0.02)})

    assert found.is_hopeless
    assert not sized(named(book())).is_hopeless


def test_experiments_together_share_the_units_that_come() -> None:
    """Exclusive ones need twice as many, and what is unknown of one is told beside the others."""
    traffic = Traffic(daily=1000.0)
    unknown = book(metrics={"engaged": metric(baseline=None)})

    found = together([named(book(), "a"), named(book(), "b"), named(unknown, "c")], traffic)

    overlapping = found.ways[Sharing.OVERLAPPING, False]
    exclusive = found.ways[Sharing.EXCLUSIVE, False]
    assert [each.demand.name for each in overlapping] == ["a", "b"]
    assert overlapping[0].days_needed is not None
    assert exclusive[0].days_needed is not None
    assert abs(exclusive[0].days_needed - 2 * overlapping[0].days_needed) <= 1
    assert found.exclusive_days == exclusive[0].days_needed
    assert list(found.unknown) == ["c"]
    assert together([named(unknown)], traffic).ways == {}
