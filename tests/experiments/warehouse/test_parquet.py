"""What files may be given, which are refused, and what bounds an analysis keeps."""

import math
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.experiments.warehouse.histories import (
    DAY,
    METRICS,
    START,
    EventRow,
    ExposureRow,
    History,
    event_table,
    exposure_table,
    random_history,
    trial,
    write_parquet,
)
from tests.experiments.warehouse.oracle import Oracle

from opsctl.core.errors import FailedError, NotReadyError, OpsError, UsageError
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.warehouse.model import OTHER_VALUES, Measured, Population, Trial
from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse
from opsctl.experiments.warehouse.query import Query
from opsctl.experiments.warehouse.sql_look import SqlLook

HISTORY = random_history(2, units=60)
AT = START + 7.5 * DAY
_COUNT: dict[str, Any] = {"kind": "mean", "events": ["order"], "role": "primary"}
_SUM = _COUNT | {"counting": "sum"}


def _seen(
    folder: Path, one: Trial | None = None, *, bounds: Bounds | None = None
) -> tuple[Population, Measured]:
    one = one or trial()
    with ParquetWarehouse(folder, bounds=bounds).look(one, at=[AT]) as look:
        return look.population(), look.measure()


def _refused(folder: Path, *, bounds: Bounds | None = None) -> OpsError:
    with pytest.raises(OpsError) as refused:
        _seen(folder, bounds=bounds)
    return refused.value


def _simple(values: dict[str, list[float | None]], *, arms: dict[str, str] | None = None) -> History:
    """Return units that saw an arm at the start, and one order each hour of these values."""
    arms = arms or {}
    return History(
        exposures=[
            ExposureRow(
                experiment="agents", unit_id=unit, variant=arms.get(unit, "control"), exposed_at=START
            )
            for unit in values
        ],
        events=[
            EventRow(event="order", unit_id=unit, value=value, observed_at=START + timedelta(hours=1 + hour))
            for unit, own in values.items()
            for hour, value in enumerate(own)
        ],
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "columns",
    [
        {"exposed_at": pa.timestamp("ns", tz="UTC"), "observed_at": pa.timestamp("ns", tz="UTC")},
        {"exposed_at": pa.timestamp("us"), "observed_at": pa.timestamp("us")},
        {"value": pa.float32(), "event": pa.dictionary(pa.int32(), pa.string())},
        {"variant": pa.large_string(), "unit_id": pa.large_string()},
    ],
    ids=["nanoseconds", "without a zone", "narrow values and dictionaries", "long texts"],
)
def test_columns_may_be_written_otherwise(tmp_path, columns):
    """As long as they mean the same."""
    wanted = _seen(write_parquet(HISTORY, tmp_path / "usual"))

    found = _seen(write_parquet(HISTORY, tmp_path / "other", columns=columns))

    assert found[0] == wanted[0]
    assert found[1].means["rate"].strata(["control"]) == wanted[1].means["rate"].strata(["control"])


@pytest.mark.slow
def test_ids_may_be_whole_numbers_in_one_table_or_both(tmp_path):
    """A text and a number of the same digits are one unit."""
    plain = History(
        exposures=[row for row in HISTORY.exposures if (row.unit_id or "").isdecimal()],
        events=[row for row in HISTORY.events if row.unit_id.isdecimal()],
    )
    wanted = _seen(write_parquet(plain, tmp_path / "texts"))
    write_parquet(plain, tmp_path / "numbers", columns={"unit_id": pa.int64()})
    write_parquet(plain, tmp_path / "mixed")
    (tmp_path / "mixed" / "events").rename(tmp_path / "mixed" / "old")
    (tmp_path / "numbers" / "events").rename(tmp_path / "mixed" / "events")
    (tmp_path / "mixed" / "old").rename(tmp_path / "numbers" / "events")

    mixed = _seen(tmp_path / "mixed"), _seen(tmp_path / "numbers")
    (tmp_path / "mixed" / "exposures").rename(tmp_path / "mixed" / "texts")
    (tmp_path / "numbers" / "exposures").rename(tmp_path / "mixed" / "exposures")
    numbers = _seen(tmp_path / "mixed")

    for population, measured in (*mixed, numbers):
        assert population == wanted[0]
        assert measured.means["clicks"].of_arm("changed").means == pytest.approx(
            wanted[1].means["clicks"].of_arm("changed").means
        )


@pytest.mark.slow
def test_attributes_may_be_a_map_or_missing(tmp_path):
    """Without any, every unit has an empty value."""
    wanted, _ = _seen(write_parquet(HISTORY, tmp_path / "json"))
    table = exposure_table(HISTORY.exposures)
    maps = pa.array(
        [list(row.attributes.items()) for row in HISTORY.exposures], pa.map_(pa.string(), pa.string())
    )
    for name, each in (
        ("map", table.set_column(4, "attributes", maps)),
        ("none", table.drop_columns(["attributes"])),
    ):
        write_parquet(History(exposures=[], events=HISTORY.events), tmp_path / name)
        (tmp_path / name / "exposures").mkdir()
        parquet.write_table(each, tmp_path / name / "exposures" / "all.parquet")

    with_map, without = _seen(tmp_path / "map")[0], _seen(tmp_path / "none")[0]

    assert {name: sum(units.values()) for name, units in with_map.dimensions["segment"].items()} == {
        name: sum(units.values()) for name, units in wanted.dimensions["segment"].items()
    }
    assert without.dimensions == {"segment": {"": wanted.units}}


def test_events_without_a_finite_value_count_nowhere_and_are_counted(tmp_path):
    """Not even as one event: they are a fault of whoever measured, and maybe of one arm alone."""
    values: dict[str, list[float | None]] = {
        "a": [1.0, math.nan, 2.0],
        "b": [math.inf, -math.inf],
        "c": [None, 4.0],
    }
    history = _simple(values, arms={"c": "changed"})
    one = trial(metrics={"orders": _COUNT, "spent": _SUM, "any": {"kind": "proportion", "events": ["order"]}})

    _, measured = _seen(write_parquet(history, tmp_path), one)

    assert measured.spoiled == {"control": 3, "changed": 1, "closed": 0}
    assert measured.means["orders"].of_arm("control") == moments_of(np.array([2.0, 0.0]))
    assert measured.means["spent"].of_arm("control") == moments_of(np.array([3.0, 0.0]))
    assert measured.means["any"].of_arm("control") == moments_of(np.array([1.0, 0.0]))
    assert measured.means["spent"].of_arm("changed") == moments_of(np.array([4.0]))


def test_spoiled_histories_are_those_of_brute_force(tmp_path):
    """Also in pre-periods, windows and quantiles."""
    source = np.random.Generator(np.random.PCG64(9))
    spoilt = [math.nan, math.inf, -math.inf, None]
    events = [
        replace(row, value=spoilt[int(source.integers(4))]) if source.random() < 0.2 else row
        for row in HISTORY.events
    ]
    history = History(exposures=HISTORY.exposures, events=events)
    oracle = Oracle(history, trial(), at=AT)

    _, measured = _seen(write_parquet(history, tmp_path))

    assert measured.spoiled == oracle.spoiled()
    for name, rows in measured.means.items():
        wanted = oracle.moments(trial().book.metrics[name])
        assert {(row.arm, row.has_pre_period, row.day): row.moments.n for row in rows.rows} == {
            key: each.n for key, each in wanted.items()
        }
        for row in rows.rows:
            told = wanted[row.arm, row.has_pre_period, row.day]
            np.testing.assert_allclose(row.moments.means, told.means, rtol=1e-9)


def test_exposures_without_a_unit_an_arm_or_a_time_are_counted(tmp_path):
    """They are nobody's."""
    whole = ExposureRow(experiment="agents", unit_id="a", variant="control", exposed_at=START)
    broken = [
        replace(whole, unit_id=None),
        replace(whole, unit_id=""),
        replace(whole, variant=None),
        replace(whole, exposed_at=None),
    ]
    history = History(exposures=[whole, *broken], events=HISTORY.events[:5])

    population, _ = _seen(write_parquet(history, tmp_path))

    assert population.unreadable == 4
    assert population.total == 1


def test_a_dimension_with_very_many_values_is_told_by_the_most_frequent_ones(tmp_path):
    """A unit's own id as an attribute makes no row for each unit."""
    exposures = [
        ExposureRow(
            experiment="agents",
            unit_id=str(number),
            variant="control",
            exposed_at=START,
            attributes={"segment": "often" if number % 2 else f"own {number}"},
        )
        for number in range(1000)
    ]

    population, _ = _seen(write_parquet(History(exposures=exposures, events=HISTORY.events), tmp_path))

    values = population.dimensions["segment"]
    assert len(values) == 51
    assert values["often"]["control"] == 500
    assert values[OTHER_VALUES]["control"] == 451


def test_arms_that_the_book_does_not_know_are_named(tmp_path):
    """Units whose first arm is one of them; the rare ones together."""
    exposures = [
        ExposureRow(experiment="agents", unit_id=str(number), variant=variant, exposed_at=START)
        for number, variant in enumerate(["control", "old", "old", *(f"arm {place}" for place in range(70))])
    ]

    population, _ = _seen(write_parquet(History(exposures=exposures, events=HISTORY.events), tmp_path))

    assert population.units == {"control": 1, "changed": 0, "closed": 0}
    assert population.strangers["old"] == 2
    assert population.strangers[OTHER_VALUES] == 21
    assert sum(population.strangers.values()) == 72


def test_a_mean_of_1e8_loses_no_digits(tmp_path):
    """Raw sums of squares would give a variance of 1.31 in place of 1; so would arms that lie far apart, in one sum."""
    source = np.random.Generator(np.random.PCG64(4))
    values = {f"{number}": source.normal(1e8 if number % 2 else 0, 1) for number in range(2000)}
    history = _simple(
        {unit: [float(value)] for unit, value in values.items()},
        arms={unit: "changed" for unit in values if int(unit) % 2},
    )

    _, measured = _seen(write_parquet(history, tmp_path), trial(metrics={"spent": _SUM}))

    for arm, rest in (("control", 0), ("changed", 1)):
        own = [value for unit, value in values.items() if int(unit) % 2 == rest]
        found, wanted = measured.means["spent"].of_arm(arm), moments_of(np.array(own))
        assert found.variance() == pytest.approx(wanted.variance(), rel=1e-12)
        assert found.means == pytest.approx(wanted.means, rel=1e-12, abs=1e-12)


def test_values_that_add_up_to_no_number_are_told(tmp_path):
    """Each of them is finite."""
    history = _simple({"a": [1e308, 1e308], "b": [1.0]})

    with pytest.raises(FailedError) as refused:
        _seen(write_parquet(history, tmp_path), trial(metrics={"spent": _SUM}))

    assert refused.value.code == "EXP058"
    assert "spent" in refused.value.message


def test_a_cap_stays_where_it_was_frozen(tmp_path):
    """A later look cuts off at the first one's cap, whatever has come since."""
    folder = write_parquet(HISTORY, tmp_path)
    early, late = START + 5 * DAY, AT

    with ParquetWarehouse(folder).look(trial(), at=[early, late]) as look:
        first = look.measure(at=early).means["spent"]
        own = look.measure(at=late).means["spent"]
        assert first.caps is not None
        frozen = look.measure(at=late, caps={"spent": first.caps}).means["spent"]

    assert frozen.caps == first.caps
    assert own.caps != first.caps
    assert frozen.of_arm("control").means != own.of_arm("control").means


def test_what_happens_at_the_moment_of_a_look_belongs_to_the_next_one(tmp_path):
    """An exposure, a second arm, and an event, each exactly then."""
    first, second = START + DAY, START + 2 * DAY
    whole = ExposureRow(experiment="agents", unit_id="a", variant="control", exposed_at=START)
    exposures = [
        whole,
        replace(whole, variant="changed", exposed_at=first),
        replace(whole, unit_id="b", exposed_at=first),
    ]
    events = [
        EventRow(event="order", unit_id="a", value=1.0, observed_at=moment) for moment in (START, first)
    ]
    folder = write_parquet(History(exposures=exposures, events=events), tmp_path)

    with ParquetWarehouse(folder).look(trial(metrics={"orders": _COUNT}), at=[first, second]) as look:
        populations = [look.population(at=at) for at in (first, second)]
        orders = [look.measure(at=at).means["orders"].of_arm("control") for at in (first, second)]

    assert [(each.total, each.in_several_arms) for each in populations] == [(1, 0), (1, 1)]
    assert orders == [moments_of(np.array([1.0])), moments_of(np.array([0.0]))]


def test_only_the_metrics_asked_for_are_measured_and_others_are_refused(tmp_path):
    """What a subset says is what it says among all."""
    folder = write_parquet(HISTORY, tmp_path)

    with ParquetWarehouse(folder).look(trial(), at=[AT]) as look:
        everything = look.measure()
        some = look.measure(metrics=["rate"])
        with pytest.raises(UsageError) as refused:
            look.measure(metrics=["clickss"])

    assert some.means == {"rate": everything.means["rate"]}
    assert some.quantiles == {}
    assert refused.value.code == "EXP066"


@pytest.mark.parametrize(
    "at", [[START], [START - DAY], [AT, START + DAY], [], [AT.replace(tzinfo=None)]], ids=str
)
def test_moments_that_make_no_sense_are_refused(tmp_path, at):
    """Before the start, falling, none, or without a zone."""
    warehouse = ParquetWarehouse(write_parquet(HISTORY, tmp_path))

    with pytest.raises(UsageError) as refused, warehouse.look(trial(), at=at):
        pass

    assert refused.value.code == "EXP050"


@pytest.mark.slow
def test_one_thread_says_the_same_to_the_last_bit(tmp_path):
    """Sums of fractions depend on their order, which several threads do not keep."""
    folder = write_parquet(HISTORY, tmp_path)

    answers = [_seen(folder, bounds=Bounds(threads=1)) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]


@pytest.mark.slow
def test_little_memory_gives_the_same_answer_from_disk_and_leaves_nothing(tmp_path):
    """What does not fit goes into files, which are gone afterwards."""
    folder, spill = _large(tmp_path / "history"), tmp_path / "spill"
    spill.mkdir()
    wanted = {"orders": _COUNT, "spent": _SUM | {"winsorise": 0.9}, "latency": METRICS["latency"]}
    one = trial(metrics=wanted, dimensions=[])
    bounds = Bounds(memory_bytes=56 * 1024**2, threads=1, temporary_folder=spill, values_at_once=1000)

    plenty = _seen(folder, one)
    with ParquetWarehouse(folder, bounds=bounds).look(one, at=[AT]) as look:
        population, measured = look.population(), look.measure()
        spilled = sum(path.stat().st_size for path in spill.rglob("*") if path.is_file())

    assert population == plenty[0]
    assert _quantile_values(measured) == _quantile_values(plenty[1])
    assert measured.means["spent"].of_arm("control").means == pytest.approx(
        plenty[1].means["spent"].of_arm("control").means, rel=1e-12
    )
    assert spilled > 0
    assert list(spill.iterdir()) == []


def test_too_little_memory_is_told(tmp_path):
    """What has to stay in memory does not fit."""
    refused = _refused(write_parquet(HISTORY, tmp_path), bounds=Bounds(memory_bytes=300_000, threads=1))

    assert isinstance(refused, NotReadyError)
    assert refused.code == "EXP055"


def test_nothing_is_drawn_however_long_it_takes(tmp_path):
    """DuckDB draws a bar into the output by itself after two seconds; a command's answer must not have it."""
    with ParquetWarehouse(write_parquet(HISTORY, tmp_path)).look(trial(), at=[AT]) as look:
        assert isinstance(look, SqlLook)
        engine = look._engine
        assert engine.rows(Query(stages=(), sql="select current_setting('enable_progress_bar')")) == [
            (False,)
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["it's here", "a[b]*?", "é ü", "day=7"])
def test_a_folder_may_have_any_name(tmp_path, name):
    """Quotes do not end a text, and stars do not find other files."""
    wanted = _seen(write_parquet(HISTORY, tmp_path / "plain"))
    write_parquet(random_history(5, units=10), tmp_path / "ab and more")

    assert _seen(write_parquet(HISTORY, tmp_path / name))[0] == wanted[0]


def test_files_may_lie_anywhere_below_and_hidden_ones_are_left_alone(tmp_path):
    """Half-written files of somebody else begin with a dot or an underscore."""
    wanted = _seen(write_parquet(HISTORY, tmp_path / "days"))
    flat = tmp_path / "flat"
    for name, table in (
        ("exposures", exposure_table(HISTORY.exposures)),
        ("events", event_table(HISTORY.events)),
    ):
        (flat / name / "_temporary").mkdir(parents=True)
        parquet.write_table(table, flat / name / "all.parquet")
        (flat / name / "_temporary" / "part.parquet").write_bytes(b"half")
        (flat / name / ".hidden.parquet").write_bytes(b"")
        (flat / name / "notes.txt").write_text("to be left alone")

    found = _seen(flat)

    assert found[0] == wanted[0]
    assert found[1].means["clicks"].rows == pytest.approx(wanted[1].means["clicks"].rows)


@pytest.mark.slow
def test_files_out_of_time_are_not_read(tmp_path):
    """Their footers tell; one that would break if it were read proves it."""
    folder = write_parquet(HISTORY, tmp_path)
    wanted = _seen(folder)
    late = [replace(row, observed_at=row.observed_at + 30 * DAY) for row in HISTORY.events]
    path = folder / "events" / "late.parquet"
    parquet.write_table(event_table(late), path, compression="none")
    _spoil_pages(path)

    assert _seen(folder)[0] == wanted[0]
    assert _seen(folder)[1].spoiled == wanted[1].spoiled


@pytest.mark.parametrize("missing", ["exposures", "events", ""])
def test_a_folder_without_files_is_told(tmp_path, missing):
    """Mostly the wrong one."""
    folder = write_parquet(HISTORY, tmp_path / "history")
    (folder / missing).rename(tmp_path / "elsewhere")
    if missing:
        (folder / missing).mkdir()

    refused = _refused(folder)

    assert refused.code == "EXP052"


@pytest.mark.parametrize(
    "content", [b"", b"event,unit\n", b"PAR1"], ids=["nothing", "text", "the first bytes"]
)
def test_a_file_that_is_no_parquet_file_is_named(tmp_path, content):
    """Whatever it is: without it the answer would be wrong."""
    folder = write_parquet(HISTORY, tmp_path)
    path = folder / "events" / "other.parquet"
    path.write_bytes(content)

    refused = _refused(folder)

    assert refused.code == "EXP053"
    assert str(path) in refused.message


def test_a_file_that_is_cut_short_is_named(tmp_path):
    """Its footer is gone."""
    folder = write_parquet(HISTORY, tmp_path)
    path = next((folder / "events").rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])

    assert _refused(folder).code == "EXP053"


def test_a_file_whose_pages_are_damaged_is_told(tmp_path):
    """Its footer is whole, and what it leads to is not."""
    folder = write_parquet(HISTORY, tmp_path)
    for path in (folder / "events").rglob("*.parquet"):
        _spoil_pages(path)

    refused = _refused(folder)

    assert refused.code == "EXP053"
    assert str(folder) in refused.message


@pytest.mark.slow
def test_an_empty_file_of_the_right_columns_is_no_fault(tmp_path):
    """A day on which nothing happened."""
    folder = write_parquet(HISTORY, tmp_path)
    wanted = _seen(folder)
    parquet.write_table(event_table([]), folder / "events" / "empty.parquet")

    assert _seen(folder)[0] == wanted[0]


@pytest.mark.parametrize(
    ("part", "column", "kind"),
    [
        ("events", "value", pa.string()),
        ("events", "observed_at", pa.string()),
        ("events", "event", None),
        ("exposures", "unit_id", None),
        ("exposures", "exposed_at", pa.date32()),
        ("exposures", "variant", pa.binary()),
    ],
)
def test_a_foreign_file_is_named_with_what_is_wrong(tmp_path, part, column, kind):
    """A column is missing, or is something else."""
    table = event_table(HISTORY.events) if part == "events" else exposure_table(HISTORY.exposures)
    folder = write_parquet(HISTORY, tmp_path)
    place = table.column_names.index(column)
    changed = (
        table.drop_columns([column])
        if kind is None
        else table.set_column(place, column, table[column].cast(kind))
    )
    path = folder / part / "foreign.parquet"
    parquet.write_table(changed, path)

    refused = _refused(folder)

    assert refused.code == "EXP054"
    assert str(path) in refused.message
    assert column in refused.message


def test_files_that_differ_are_refused(tmp_path):
    """One has numbers where another has texts."""
    folder = write_parquet(HISTORY, tmp_path)
    rows = [replace(row, unit_id="7") for row in HISTORY.events[:3]]
    table = event_table(rows)
    parquet.write_table(
        table.set_column(1, "unit_id", table["unit_id"].cast(pa.int64())), folder / "events" / "zz.parquet"
    )

    assert _refused(folder).code == "EXP054"


def test_attributes_that_are_no_json_are_told(tmp_path):
    """Else all units would be of one group, and no mismatch would be found."""
    folder = write_parquet(HISTORY, tmp_path)
    table = exposure_table(HISTORY.exposures)
    broken = pa.array(["{segment: cold"] * table.num_rows)
    parquet.write_table(table.set_column(4, "attributes", broken), folder / "exposures" / "zz.parquet")

    assert _refused(folder).code == "EXP065"


def test_a_name_of_an_experiment_is_never_part_of_a_statement(tmp_path):
    """It is a parameter, whatever it holds."""
    name = "x' or '1'='1"
    rows = [replace(row, experiment=name) for row in HISTORY.exposures]
    folder = write_parquet(History(exposures=rows, events=HISTORY.events), tmp_path)

    with ParquetWarehouse(folder).look(trial(name), at=[AT]) as look:
        own = look.population()
    with ParquetWarehouse(folder).look(trial("y' or '1'='1"), at=[AT]) as look:
        nobody = look.population()

    assert own.units == Oracle(HISTORY, trial(), at=AT).units()
    assert nobody.total == 0


def test_a_library_that_is_missing_is_told(tmp_path, monkeypatch):
    """With what to install."""
    folder = write_parquet(HISTORY, tmp_path)
    monkeypatch.setitem(sys.modules, "duckdb", None)

    refused = _refused(folder)

    assert refused.code == "EXP051"
    assert "opsctl[experiments]" in (refused.fix or "")


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(10, 40))
def test_any_history_is_measured_as_by_brute_force(tmp_path, seed):
    """Thirty of them, at any moment."""
    history = random_history(seed, units=40 + 5 * seed)
    at = START + DAY * (0.5 + (seed * 7 % 23) / 2)
    oracle = Oracle(history, trial(), at=at)

    with ParquetWarehouse(write_parquet(history, tmp_path)).look(trial(), at=[at]) as look:
        population, measured = look.population(), look.measure()

    assert population.units == oracle.units()
    assert population.dimensions == {"segment": oracle.dimension("segment")}
    for name, rows in measured.means.items():
        wanted = oracle.moments(trial().book.metrics[name])
        found = {(row.arm, row.has_pre_period, row.day): row.moments for row in rows.rows}
        assert {key: each.n for key, each in found.items()} == {key: each.n for key, each in wanted.items()}
        for key, told in wanted.items():
            np.testing.assert_allclose(found[key].means, told.means, rtol=1e-9)
            scale = max(abs(each) for line in told.comoments for each in line)
            np.testing.assert_allclose(found[key].comoments, told.comoments, rtol=1e-9, atol=1e-12 * scale)


def _large(folder: Path) -> Path:
    """Return a history of 300,000 units and a million events."""
    for name in ("exposures", "events"):
        (folder / name).mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.sql(
            "select 'agents' as experiment, range::varchar as unit_id, timestamptz '2026-11-01 07:00:00+00' as exposed_at,"
            " case when range % 2 = 0 then 'control' else 'changed' end as variant from range(300000)"
        ).write_parquet(str(folder / "exposures" / "all.parquet"))
        connection.sql(
            "select case when range % 3 = 0 then 'latency' else 'order' end as event, (hash(range) % 300000)::varchar as unit_id,"
            " (hash(range + 5) % 1000)::double as value, timestamptz '2026-11-02 07:00:00+00' as observed_at from range(1000000)"
        ).write_parquet(str(folder / "events" / "all.parquet"))
    return folder


def _quantile_values(measured: Measured) -> list[object]:
    told = [each for rows in measured.quantiles.values() for each in rows.arms.values()]
    return [
        each if isinstance(each, CannotTell) else (each.value, each.low, each.high, each.moments.n)
        for each in told
    ]


def _spoil_pages(path: Path) -> None:
    """Damage what is between the first bytes and the footer."""
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[-8:-4], "little")
    pages = slice(4, len(data) - 8 - length)
    data[pages] = os.urandom(len(data[pages]))
    path.write_bytes(data)
