"""How long does a full analysis of an experiment take, beside reading the same columns and doing nothing with them?

    python -m tests.benchmarks.experiment_events [--events 1e7 | --long] [--rounds 3] [--whole-ids]

Exposures and events are made as an export writes them: a file a day, sorted by event and unit. The analysis counts the
population, with one dimension, and measures five metrics of all kinds with their pre-periods: population, sums of units
and rows are all made anew each time. Each side runs in a process of its own with two threads and 2 GiB for DuckDB, in
turns; the quickest round counts. At the end the rows of a hundredth of the units are held against brute force.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psutil
from tests.benchmarks.rows import Spread, at_most, tell
from tests.experiments.books import book

from opsctl.core.units import format_bytes
from opsctl.experiments.book import Experiment
from opsctl.experiments.statistics.moments import Moments, moments_of
from opsctl.experiments.statistics.quantile import QuantileStatistics, quantile_statistics
from opsctl.experiments.warehouse.model import Measured, Trial
from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse
from opsctl.experiments.warehouse.query import microseconds

MOST_SHARE = 3.0
SHORT, LONG = 10_000_000, 100_000_000
START = datetime(2026, 11, 1, tzinfo=UTC)
DAYS_BEFORE, DAYS = 14, 14
EVENTS_OF_A_UNIT = 95
EXPOSURES_OF_A_UNIT = 5
BOUNDS = Bounds(memory_bytes=2 * 1024**3, threads=2)
_DAY = 86_400_000_000

METRICS: dict[str, dict[str, Any]] = {
    "clicks": {"kind": "mean", "events": ["click"], "role": "primary", "pre_period": "14d"},
    "spent": {
        "kind": "mean",
        "events": ["order_value"],
        "counting": "sum",
        "window": "7d",
        "pre_period": "14d",
        "winsorise": 0.99,
    },
    "saved": {"kind": "proportion", "events": ["save"], "window": "7d", "pre_period": "14d"},
    "rate": {"kind": "ratio", "events": ["click"], "per": ["view"], "pre_period": "14d"},
    "latency": {"kind": "quantile", "events": ["latency"], "quantile": 0.95},
}


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a process took."""

    seconds: float
    peak_bytes: int
    answer: dict[str, Any]


def main() -> None:
    """Generate, measure, verify, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=float, default=SHORT, help="exposures and events together")
    parser.add_argument("--long", action="store_true", help=f"{LONG:,} of them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--whole-ids", action="store_true", help="ids of units are whole numbers, not texts")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _child(arguments.child[0], Path(arguments.child[1]))
        return
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, DuckDB {duckdb.__version__}")
    with tempfile.TemporaryDirectory(prefix="opsctl-events-") as name:
        rows = LONG if arguments.long else int(arguments.events)
        _measure(Path(name), rows=rows, rounds=arguments.rounds, whole_ids=arguments.whole_ids)


def _measure(folder: Path, *, rows: int, rounds: int, whole_ids: bool) -> None:
    seconds, units = _timed(lambda: generate(folder, rows=rows, whole_ids=whole_ids))
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    ids = "whole numbers" if whole_ids else "texts"
    print(f"{rows:,} rows of {units:,} units (ids are {ids}), {format_bytes(size)}, made in {seconds:.0f} s")
    scans, analyses = [], []
    for _ in range(rounds):
        scans.append(_run("scan", folder))
        analyses.append(_run("analysis", folder))
    scan, analysis = (min(each, key=lambda taken: taken.seconds) for each in (scans, analyses))
    print(f"  reading the columns  {scan.seconds:8.2f} s   peak {format_bytes(scan.peak_bytes)}")
    print(f"  the whole analysis   {analysis.seconds:8.2f} s   peak {format_bytes(analysis.peak_bytes)}")
    shares = [one.seconds / other.seconds for one, other in zip(analyses, scans, strict=True)]
    row = tell(
        "experiment_events",
        f"the analysis of {rows:,} rows, as long as reading them",
        Spread(value=analysis.seconds / scan.seconds, least=min(shares), most=max(shares)),
        unit="x",
        against="reading every column that it needs, the quickest round of each",
        target=at_most(MOST_SHARE),
    )
    print(f"  {row.value:.2f} times as long; {MOST_SHARE:.0f} are wanted: {row.verdict}")
    taken = [each.seconds for each in analyses]
    tell(
        "experiment_events",
        f"the analysis of {rows:,} rows, the quickest round",
        Spread(value=min(taken), least=min(taken), most=max(taken)),
        unit="s",
    )
    tell(
        "experiment_events",
        f"the analysis of {rows:,} rows, peak memory",
        analysis.peak_bytes / 2**20,
        unit="MiB",
    )
    print(f"  of it: {', '.join(f'{name} {taken:.2f} s' for name, taken in analysis.answer.items())}")
    print(f"  rows of {_run('verify', folder).answer['units']:,} units are those of brute force to 1e-9")


def generate(folder: Path, *, rows: int, whole_ids: bool) -> int:
    """Write exposures and events, the same ones each time, and return how many units there are."""
    units = rows // (EVENTS_OF_A_UNIT + EXPOSURES_OF_A_UNIT)
    unit = "unit" if whole_ids else "unit::varchar"
    with duckdb.connect(config={"threads": "2", "memory_limit": "4GB"}) as connection:
        for day in range(DAYS_BEFORE + DAYS):
            _write(
                connection,
                folder / "events",
                day,
                _events(day, units=units, unit=unit),
                "event, unit_id, observed_at",
            )
        for day in range(DAYS):
            select = _exposures(day, units=units, unit=unit)
            _write(connection, folder / "exposures", day + DAYS_BEFORE, select, "experiment, unit_id")
    return units


def trial(name: str) -> Trial:
    """Return the experiment, of all units or of the sample."""
    return Trial.from_start(name, book=_book(), start=START)


def _book() -> Experiment:
    return book(
        arms={"control": {"weight": 0.5}, "changed": {"weight": 0.5}},
        metrics=METRICS,
        horizon=f"{DAYS}d",
        dimensions=["segment"],
    )


def _events(day: int, *, units: int, unit: str) -> str:
    """Return the events of a day: which unit, what and how much are hashes of the event's number."""
    count = units * EVENTS_OF_A_UNIT // (DAYS_BEFORE + DAYS)
    first = _first_moment(day)
    return f"""
select {unit} as unit_id,
    case when kind < 50 then 'view' when kind < 72 then 'click' when kind < 76 then 'save'
        when kind < 80 then 'order_value' else 'latency' end as event,
    case when kind < 76 then 1.0 else round(-ln((hash(number + 3) % 1000003 + 1) / 1000004.0) * 30, 3) end::double as value,
    make_timestamptz({first} + (hash(number + 4) % {_DAY})::bigint) as observed_at
from (
    select number, (hash(number + 1) % {units})::bigint as unit, hash(number + 2) % 100 as kind
    from (select range * 8 + {day * count * 8} as number from range({count}))
)"""


def _exposures(day: int, *, units: int, unit: str) -> str:
    """Return those of a day: each unit has its first day, and comes back now and then; a hundredth is a sample, too."""
    first = _first_moment(day + DAYS_BEFORE)
    return f"""
select case when place = 0 then 'agents' else 'sample' end as experiment, {unit} as unit_id,
    case when hash(unit * 2 + 1) % 2 = 0 then 'control' else 'changed' end as variant,
    make_timestamptz({first} + (hash(unit * 32 + {day}) % {_DAY})::bigint) as exposed_at,
    '{{"segment": "' || (hash(unit) % 4)::varchar || '"}}' as attributes
from (
    select range as unit from range({units})
    where hash(range * 3 + 1) % 10 = {day} or (hash(range * 3 + 1) % 10 < {day} and hash(range * 64 + {day}) % 100 < 49)
), (select unnest([0, 1]) as place) where place = 0 or unit % 100 = 0"""


def _first_moment(day: int) -> int:
    return microseconds(START + timedelta(days=day - DAYS_BEFORE))


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, day: int, select: str, order: str) -> None:
    name = (START + timedelta(days=day - DAYS_BEFORE)).date().isoformat()
    (folder / f"day={name}").mkdir(parents=True)
    path = folder / f"day={name}" / "part.parquet"
    connection.execute(f"copy ({select} order by {order}) to '{path}' (format parquet, compression zstd)")


def _run(what: str, folder: Path) -> Taken:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.experiment_events", "--child", what, str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    return Taken(**json.loads(done.stdout))


def _child(what: str, folder: Path) -> None:
    import resource

    works: dict[str, Callable[[Path], dict[str, Any]]] = {
        "scan": _scan,
        "analysis": _analyse,
        "verify": _verify,
    }
    seconds, answer = _timed(lambda: works[what](folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak, "answer": answer}))


def _scan(folder: Path) -> dict[str, Any]:
    """Read every value of every column that the analysis reads, once."""
    with duckdb.connect(config={"threads": "2", "memory_limit": f"{BOUNDS.memory_bytes}B"}) as connection:
        connection.execute(
            "select sum(value), sum(epoch_us(observed_at)), max(unit_id), max(event)"
            f" from read_parquet('{folder}/events/**/*.parquet')"
        ).fetchall()
        connection.execute(
            "select sum(epoch_us(exposed_at)), max(unit_id), max(variant), max(experiment), max(attributes)"
            f" from read_parquet('{folder}/exposures/**/*.parquet')"
        ).fetchall()
    return {}


def _analyse(folder: Path) -> dict[str, Any]:
    warehouse, one = ParquetWarehouse(folder, bounds=BOUNDS), trial("agents")
    with warehouse.look(one, at=[one.end]) as look:
        population, _ = _timed(look.population)
        metrics, _ = _timed(look.measure)
    return {"population": population, "metrics": metrics}


def _verify(folder: Path) -> dict[str, Any]:
    """Hold the sample's rows, taken from the same files, against numpy."""
    one = trial("sample")
    with ParquetWarehouse(folder, bounds=BOUNDS).look(one, at=[one.end]) as look:
        measured, population = look.measure(), look.population()
    units, arms, exposed, events = _sample(folder)
    assert population.total == len(units), (population.total, len(units))
    for number, arm in enumerate(one.book.arms):
        _verify_arm(measured, arm, np.flatnonzero(arms == number), exposed, events)
    return {"units": len(units)}


def _sample(folder: Path) -> tuple[Any, ...]:
    with duckdb.connect(config={"threads": "2"}) as connection:
        rows = connection.execute(
            "select unit_id::bigint as unit, min(variant = 'changed')::int as arm, min(epoch_us(exposed_at)) as exposed"
            f" from read_parquet('{folder}/exposures/**/*.parquet') where experiment = 'sample' group by unit order by unit"
        ).fetchnumpy()
        events = connection.execute(
            "select unit_id::bigint as unit, event, value, epoch_us(observed_at) as moment"
            f" from read_parquet('{folder}/events/**/*.parquet') where unit_id::bigint % 100 = 0"
        ).fetchnumpy()
    owners = np.searchsorted(rows["unit"], events["unit"])
    known = (owners < len(rows["unit"])) & (
        rows["unit"][np.minimum(owners, len(rows["unit"]) - 1)] == events["unit"]
    )
    kept = {name: column[known] for name, column in events.items()} | {"owner": owners[known]}
    return rows["unit"], rows["arm"], rows["exposed"], kept


def _verify_arm(measured: Measured, arm: str, members: Any, exposed: Any, events: dict[str, Any]) -> None:
    elapsed = events["moment"] - exposed[events["owner"]]
    closing = microseconds(START + timedelta(days=DAYS))
    after, before = (elapsed >= 0) & (events["moment"] < closing), (elapsed < 0) & (elapsed >= -14 * _DAY)

    def sums(name: str, when: Any, values: Any = None) -> Any:
        chosen = (events["event"] == name) & when
        weights = None if values is None else values[chosen]
        return np.bincount(events["owner"][chosen], weights=weights, minlength=len(exposed)).astype(float)

    week, value = after & (elapsed < 7 * _DAY), events["value"]
    mature = exposed + 7 * _DAY <= closing
    was_there = (
        np.bincount(events["owner"][before & (events["event"] != "latency")], minlength=len(exposed)) > 0
    )
    spent, spent_before = sums("order_value", week, value), sums("order_value", before, value)
    for column in (spent, spent_before):
        ordered = np.sort(column[mature])
        np.minimum(column, ordered[int(np.ceil(len(ordered) * 0.99)) - 1], out=column)
    tables = {
        "clicks": (True, [sums("click", after), sums("click", before)]),
        "spent": (False, [spent, spent_before]),
        "saved": (False, [sums("save", week) > 0, sums("save", before) > 0]),
        "rate": (
            True,
            [sums("click", after), sums("view", after), sums("click", before), sums("view", before)],
        ),
    }
    for name, (counts_all, columns) in tables.items():
        for place, stratum in enumerate((was_there, ~was_there)):
            chosen = members[stratum[members] & (mature[members] | counts_all)]
            wanted = moments_of(np.column_stack(columns).astype(float)[chosen])
            _require_same(measured.means[name].strata([arm])[arm][place], wanted, name)
    own = after & (events["event"] == "latency") & np.isin(events["owner"], members)
    told, found = (
        quantile_statistics(value[own], events["owner"][own], level=0.95),
        measured.quantiles["latency"].arms[arm],
    )
    assert isinstance(told, QuantileStatistics)
    assert isinstance(found, QuantileStatistics)
    assert (found.value, found.low, found.high) == (told.value, told.low, told.high)
    _require_same(found.moments, told.moments, "latency")


def _require_same(found: Moments, wanted: Moments, what: str) -> None:
    assert found.n == wanted.n, (what, found.n, wanted.n)
    if found.n:
        np.testing.assert_allclose(found.means, wanted.means, rtol=1e-9, err_msg=what)
        np.testing.assert_allclose(found.comoments, wanted.comoments, rtol=1e-9, atol=1e-9, err_msg=what)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


if __name__ == "__main__":
    main()
