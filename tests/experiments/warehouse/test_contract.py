"""Both warehouses answer as brute force does: counts exactly, moments to 1e-9, whatever the data's faults."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest
from tests.conftest import EmbeddedPostgres
from tests.experiments.warehouse.histories import (
    DAY,
    METRICS,
    START,
    History,
    random_history,
    trial,
    write_database,
    write_parquet,
)
from tests.experiments.warehouse.oracle import Oracle

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.moments import Moments
from opsctl.experiments.statistics.quantile import QuantileStatistics
from opsctl.experiments.warehouse.model import Maturity, MetricRows, Warehouse
from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse
from opsctl.experiments.warehouse.postgres import PostgresWarehouse

HISTORY = random_history(1, experiments=("agents", "colours"))
AT = START + 7.5 * DAY
MOMENTS = [START + DAY, START + 4 * DAY, AT, START + 20 * DAY]

Make = Callable[[History], Warehouse]


@pytest.fixture(scope="module", params=["parquet", "parquet, sorting", "postgres"])
def warehouse(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    embedded_postgres: EmbeddedPostgres,
    migrated_template: str,
) -> Iterator[Warehouse]:
    """Give each kind of warehouse, with the same history."""
    if request.param == "postgres":
        with embedded_postgres.new_database(template=migrated_template) as address:
            write_database(HISTORY, address)
            yield PostgresWarehouse(address)
        return
    folder = write_parquet(HISTORY, tmp_path_factory.mktemp("history"))
    most = 10 if "sorting" in request.param else 1_000_000
    yield ParquetWarehouse(folder, bounds=Bounds(values_at_once=most))


@pytest.mark.parametrize("at", MOMENTS)
def test_units_are_counted_once_by_arm_day_and_dimension(warehouse, at):
    """Those of several arms, of unknown arms, and exposures outside of the experiment stand apart."""
    oracle = Oracle(HISTORY, trial(), at=at)

    with warehouse.look(trial(), at=[at]) as look:
        found = look.population()

    assert found.units == oracle.units()
    assert found.in_several_arms == oracle.in_several_arms()
    assert sum(found.strangers.values()) == oracle.strangers()
    assert found.by_day == oracle.by_day()
    assert found.dimensions == {"segment": oracle.dimension("segment")}
    moments = [row.exposed_at for row in HISTORY.exposures if row.experiment == "agents" and row.exposed_at]
    assert found.early == sum(moment < START for moment in moments)
    assert found.late == sum(trial().end <= moment < at for moment in moments)


@pytest.mark.slow
@pytest.mark.parametrize("maturity", list(Maturity))
@pytest.mark.parametrize("by_day", [False, True])
def test_moments_are_those_of_brute_force(warehouse, by_day, maturity):
    """By arm, by whether there is a pre-period, and by the day of the first exposure where asked for."""
    oracle = Oracle(HISTORY, trial(), at=AT)

    with warehouse.look(trial(), at=[AT]) as look:
        caps = {name: each.caps for name, each in look.measure().means.items() if each.caps}
        found = look.measure(by_day=by_day, maturity=maturity, caps=caps)

    assert list(found.means) == [name for name in METRICS if METRICS[name]["kind"] != "quantile"]
    for name, rows in found.means.items():
        metric = trial().book.metrics[name]
        wanted = oracle.moments(metric, by_day=by_day, maturity=maturity)
        _assert_same(rows, wanted, name)
        counted = {
            arm: sum(each.n for key, each in wanted.items() if key[0] == arm) for arm in oracle.units()
        }
        assert rows.immature == {arm: units - counted[arm] for arm, units in oracle.units().items()}


def test_quantiles_are_those_of_brute_force(warehouse):
    """The value, the two beside it, and each unit's events about it."""
    oracle = Oracle(HISTORY, trial(), at=AT)

    with warehouse.look(trial(), at=[AT]) as look:
        found = look.measure(metrics=["latency", "order_median"]).quantiles

    assert list(found) == ["latency", "order_median"]
    for name, rows in found.items():
        for arm, told in rows.arms.items():
            wanted = oracle.quantile(trial().book.metrics[name], arm)
            if isinstance(wanted, CannotTell):
                assert isinstance(told, CannotTell)
                assert told.code == wanted.code
                continue
            assert isinstance(told, QuantileStatistics)
            assert (told.level, told.value, told.low, told.high) == (
                wanted.level,
                wanted.value,
                wanted.low,
                wanted.high,
            )
            _assert_close(told.moments, wanted.moments, f"{name} of {arm}")


@pytest.mark.slow
def test_a_look_at_several_moments_tells_what_each_alone_would(warehouse):
    """History is not rewritten: a unit that sees a second arm later counts until then."""
    with warehouse.look(trial(), at=MOMENTS) as look:
        together = [(look.population(at=at), look.measure(at=at)) for at in MOMENTS]

    for at, (population, measured) in zip(MOMENTS, together, strict=True):
        with warehouse.look(trial(), at=[at]) as look:
            alone, measured_alone = look.population(), look.measure()
        assert population == alone
        for name, rows in measured_alone.means.items():
            _assert_same(measured.means[name], _by_key(rows), name)
            assert measured.means[name].immature == rows.immature
        assert measured.quantiles.keys() == measured_alone.quantiles.keys()
        assert measured.spoiled == measured_alone.spoiled


def test_two_experiments_cross_as_brute_force_says(warehouse):
    """Units of one arm in each, events from the later exposure on."""
    one, other = trial(), trial("colours")
    first, second = Oracle(HISTORY, one, at=AT), Oracle(HISTORY, other, at=AT)
    shared = first.members.keys() & second.members.keys()

    metrics = {"clicks": one.book.metrics["clicks"], "rate": one.book.metrics["rate"]}
    found = warehouse.cross(one, other, at=AT, metrics=metrics)

    groups: dict[tuple[str, str], list[str]] = {pair: [] for pair in found.units}
    for unit in shared:
        groups[first.members[unit][0], second.members[unit][0]].append(unit)
    assert found.units == {pair: len(units) for pair, units in groups.items()}
    assert len(found.units) == 9
    for name, width in (("clicks", 1), ("rate", 2)):
        metric = metrics[name].model_copy(update={"pre_period": None})
        for pair, units in groups.items():
            rows = [
                first._variables(metric, unit, max(first.members[unit][1], second.members[unit][1]))
                for unit in units
            ]
            told = found.means[name][pair]
            assert told.n == len(rows)
            assert told.width == width
            if rows:
                table = np.array(rows)
                np.testing.assert_allclose(told.means, table.mean(axis=0), rtol=1e-9)
                centred = table - table.mean(axis=0)
                np.testing.assert_allclose(told.comoments, centred.T @ centred, rtol=1e-9, atol=1e-9)


def test_an_experiment_that_nobody_saw_has_no_units(warehouse):
    """Nothing to divide by, and no error."""
    with warehouse.look(trial("unseen"), at=[AT]) as look:
        population, measured = look.population(), look.measure()

    assert population.total == 0
    assert population.share_in_several_arms == 0
    assert all(not rows.rows for rows in measured.means.values())
    assert all(moments.n == 0 for moments in measured.means["rate"].strata(["control"])["control"])
    assert all(isinstance(each, CannotTell) for each in measured.quantiles["latency"].arms.values())


@pytest.mark.parametrize("moments", [[AT], [START + 4 * DAY, AT]], ids=["one moment", "several"])
def test_an_experiment_of_quantiles_alone_is_measured(warehouse, moments):
    """No metric is averaged, so there are no sums of units."""
    only = trial(metrics={"latency": METRICS["latency"] | {"role": "primary"}})

    with warehouse.look(only, at=moments) as look:
        measured = look.measure()

    assert measured.means == {}
    assert isinstance(measured.quantiles["latency"].arms["control"], QuantileStatistics)
    assert set(measured.spoiled.values()) == {0}


def _assert_same(rows: MetricRows, wanted: Mapping[tuple[str, bool, int | None], Moments], name: str) -> None:
    found = _by_key(rows)
    assert found.keys() == wanted.keys(), name
    for key, moments in wanted.items():
        _assert_close(found[key], moments, f"{name} {key}")


def _by_key(rows: MetricRows) -> dict[tuple[str, bool, int | None], Moments]:
    return {(row.arm, row.has_pre_period, row.day): row.moments for row in rows.rows}


def _assert_close(found: Moments, wanted: Moments, what: str) -> None:
    assert found.n == wanted.n, what
    np.testing.assert_allclose(found.means, wanted.means, rtol=1e-9, err_msg=what)
    scale = max(abs(each) for line in wanted.comoments for each in line)
    np.testing.assert_allclose(found.comoments, wanted.comoments, rtol=1e-9, atol=1e-12 * scale, err_msg=what)
