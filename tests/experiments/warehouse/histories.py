"""Histories of exposures and events for tests: made at random, written as Parquet files or into a database."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from tests.experiments.books import book

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.experiments.book import Experiment
from opsctl.experiments.warehouse.model import Trial

if TYPE_CHECKING:
    import psycopg

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = ("view", "click", "save")
"""Events that a database keeps as interactions, where the unit is a reader."""

METRICS: dict[str, dict[str, Any]] = {
    "clicks": {"kind": "mean", "events": ["click", "save"], "role": "primary", "pre_period": "7d"},
    "spent": {
        "kind": "mean",
        "events": ["order"],
        "counting": "sum",
        "window": "3d",
        "pre_period": "5d",
        "winsorise": 0.9,
    },
    "ordered": {"kind": "proportion", "events": ["order", "save"], "window": "2d", "pre_period": "5d"},
    "returned": {"kind": "proportion", "events": ["view"], "after": "1d", "window": "36h"},
    "rate": {"kind": "ratio", "events": ["click"], "per": ["view"], "pre_period": "7d"},
    "value_per_view": {
        "kind": "ratio",
        "events": ["order"],
        "counting": "sum",
        "per": ["view"],
        "window": "2d",
        "winsorise": 0.95,
    },
    "late_views": {"kind": "mean", "events": ["view"], "after": "12h"},
    "latency": {"kind": "quantile", "events": ["latency"], "quantile": 0.9, "window": "3d"},
    "order_median": {"kind": "quantile", "events": ["order"], "quantile": 0.5},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow:
    """One row of exposures."""

    experiment: str
    unit_id: str | None
    variant: str | None
    exposed_at: datetime | None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One row of events."""

    event: str
    unit_id: str
    value: float | None
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that was ever written."""

    exposures: list[ExposureRow]
    events: list[EventRow]


def experiment(**changes: Any) -> Experiment:
    """Return a book of three arms, one of them closed, with metrics of all kinds."""
    arms = {"control": {"weight": 0.5}, "changed": {"weight": 0.5}, "closed": {"weight": 0.0}}
    return book(**({"arms": arms, "metrics": METRICS, "horizon": "10d", "dimensions": ["segment"]} | changes))


def trial(name: str = "agents", **changes: Any) -> Trial:
    """Return a trial of that book."""
    return Trial.from_start(name, book=experiment(**changes), start=START)


def random_history(seed: int, *, units: int = 150, experiments: tuple[str, ...] = ("agents",)) -> History:
    """Return what many readers saw and did, before, in and after the experiment, with every fault that it may have."""
    source = np.random.Generator(np.random.PCG64(seed))
    ids = [str(number + 1) for number in range(units)]
    ids[-4:] = ["é-1", "o'brien", 'a "quoted", id', "units\n2"]
    exposures = [row for name in experiments for row in _exposures(source, name, ids)]
    events = [row for unit in ids for row in _events(source, unit)]
    return History(
        exposures=[exposures[place] for place in source.permutation(len(exposures))],
        events=[events[place] for place in source.permutation(len(events))],
    )


def write_parquet(history: History, folder: Path, *, columns: dict[str, Any] | None = None) -> Path:
    """Write a history as one file a day, as an export does; `columns` replaces what some columns are."""
    _write_days(folder / "exposures", exposure_table(history.exposures), "exposed_at", columns or {})
    _write_days(folder / "events", event_table(history.events), "observed_at", columns or {})
    return folder


def exposure_table(rows: list[ExposureRow]) -> pa.Table:
    """Return the rows as a table."""
    return pa.table(
        {
            "experiment": pa.array([row.experiment for row in rows], pa.string()),
            "unit_id": pa.array([row.unit_id for row in rows], pa.string()),
            "variant": pa.array([row.variant for row in rows], pa.string()),
            "exposed_at": pa.array([row.exposed_at for row in rows], pa.timestamp("us", tz="UTC")),
            "attributes": pa.array(
                [json.dumps(row.attributes, ensure_ascii=False) for row in rows], pa.string()
            ),
        }
    )


def event_table(rows: list[EventRow]) -> pa.Table:
    """Return the rows as a table."""
    return pa.table(
        {
            "event": pa.array([row.event for row in rows], pa.string()),
            "unit_id": pa.array([row.unit_id for row in rows], pa.string()),
            "value": pa.array([row.value for row in rows], pa.float64()),
            "observed_at": pa.array([row.observed_at for row in rows], pa.timestamp("us", tz="UTC")),
        }
    )


def write_database(history: History, address: DatabaseAddress) -> None:
    """Write a history into the tables of the service; what readers do becomes interactions."""
    readers = sorted({int(row.unit_id) for row in history.events if row.unit_id.isdecimal()})
    interactions = [row for row in history.events if row.unit_id.isdecimal() and row.event in KINDS]
    measured = [row for row in history.events if not (row.unit_id.isdecimal() and row.event in KINDS)]
    with connect(address) as connection, connection.cursor() as cursor:
        cursor.executemany("insert into users (id) values (%s)", [(reader,) for reader in readers])
        _copy(
            cursor,
            "experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at, attributes)",
            [
                (
                    f"e{place}",
                    row.experiment,
                    row.unit_id,
                    row.variant,
                    row.exposed_at,
                    json.dumps(row.attributes),
                )
                for place, row in enumerate(history.exposures)
            ],
        )
        _copy(
            cursor,
            "experiment_metrics (idempotency_key, metric, unit_id, value, observed_at)",
            [
                (f"m{place}", row.event, row.unit_id, row.value, row.observed_at)
                for place, row in enumerate(measured)
            ],
        )
        _copy(
            cursor,
            "interactions (idempotency_key, kind, user_id, occurred_at)",
            [
                (f"i{place}", row.event, int(row.unit_id), row.observed_at)
                for place, row in enumerate(interactions)
            ],
        )


def _exposures(source: np.random.Generator, name: str, ids: list[str]) -> list[ExposureRow]:
    rows = []
    for unit in ids:
        if source.random() < 0.1:
            continue  # nobody saw anything
        arm = str(source.choice(["control", "changed"]))
        arms = [arm] * int(source.integers(1, 5))
        if source.random() < 0.08:
            arms[-1] = str(source.choice(["closed", "unheard of", "forgotten"]))
        if source.random() < 0.08:
            arms.append("changed" if arm == "control" else "control")
        for each in arms:
            attributes: dict[str, Any] = {"segment": str(source.choice(["cold", "light", "é, 'heavy'"]))}
            if source.random() < 0.2:
                attributes = {} if source.random() < 0.5 else {"segment": None}
            rows.append(
                ExposureRow(
                    experiment=name,
                    unit_id=unit,
                    variant=each,
                    exposed_at=_moment(source, -1, 12),
                    attributes=attributes,
                )
            )
            if source.random() < 0.1:  # the same again, at the same moment
                rows.append(rows[-1])
    return rows


def _events(source: np.random.Generator, unit: str) -> list[EventRow]:
    speed = source.gamma(2.0, 1.0) + 0.2
    is_new = source.random() < 0.3
    names = source.choice(
        ["view", "click", "save", "order", "latency", "unrelated"], size=int(source.poisson(60 * speed / 2))
    )
    rows = []
    for name in names.tolist():
        at = _moment(source, 0 if is_new else -8, 12)
        value = 1.0 if name in KINDS else float(np.round(source.lognormal(2, 1) * speed, 3))
        rows.append(EventRow(event=name, unit_id=unit, value=value, observed_at=at))
    return rows


def _moment(source: np.random.Generator, low: float, high: float) -> datetime:
    """Return a moment; some are exactly on a day's edge, where windows begin and end."""
    days = float(source.uniform(low, high))
    if source.random() < 0.1:
        return START + DAY * round(days)
    return START + timedelta(microseconds=int(days * 86_400_000_000))


def _write_days(folder: Path, table: pa.Table, time: str, columns: dict[str, Any]) -> None:
    for name, kind in columns.items():
        if name in table.column_names:
            place = table.column_names.index(name)
            table = table.set_column(place, name, table[name].cast(kind))
    days = [None if each is None else each.date().isoformat() for each in table[time].to_pylist()]
    for day in sorted({day for day in days if day is not None}):
        rows = [place for place, each in enumerate(days) if each == day]
        path = folder / f"day={day}" / "part.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table.take(rows), path)
    if None in days:
        parquet.write_table(
            table.take([place for place, day in enumerate(days) if day is None]), folder / "undated.parquet"
        )


def _copy(cursor: "psycopg.Cursor[Any]", target: str, rows: list[tuple[Any, ...]]) -> None:
    with cursor.copy(f"copy {target} from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(row)
