"""How are histories in Parquet files analysed: by DuckDB, in this process, within set bounds of memory and threads."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError
from opsctl.core.units import format_bytes
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.warehouse.duckdb_errors import translated_errors
from opsctl.experiments.warehouse.export_state import read_export_state
from opsctl.experiments.warehouse.model import Crossing, Look, Trial
from opsctl.experiments.warehouse.parquet_files import (
    EVENTS,
    EXPOSURES,
    DataFile,
    Shape,
    data_files,
    not_installed,
    shapes_of,
)
from opsctl.experiments.warehouse.query import DUCKDB, Dialect, Query, Stage, literals
from opsctl.experiments.warehouse.sql_look import SqlLook, cross

if TYPE_CHECKING:
    import duckdb

MOST_MEMORY_BYTES = 2 * 1024**3
_SHARE_OF_MACHINE = 0.5
_STATE_BYTES = 16
"""Of one aggregate of one unit: a count, or a sum and whether there was anything."""
_SHARE_FOR_STATES = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an analysis may take of the machine.

    Args:
        memory_bytes: of DuckDB; beyond, it goes on in files. 2 GiB or half of the machine, whichever is less.
        threads: all cores where nothing is said; with 1, sums of fractions are the same to the last bit each time.
        temporary_folder: for those files; that of the system where nothing is said.
        values_at_once: a quantile of more values than this is found by sorting in files.
    """

    memory_bytes: int = 0
    threads: int | None = None
    temporary_folder: Path | None = None
    values_at_once: int = 25_000_000

    @property
    def memory(self) -> int:
        """Return the memory that DuckDB may take."""
        if self.memory_bytes:
            return self.memory_bytes
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return min(MOST_MEMORY_BYTES, int(machine * _SHARE_OF_MACHINE))


class ParquetWarehouse:
    """A folder with `exposures/` and `events/`, Parquet files in any folders below.

    Exposures have the columns experiment, unit_id, variant, exposed_at and, where the book has dimensions, attributes (a
    JSON object as text, or a map); events have event, unit_id, value and observed_at. Files whose times lie outside of
    what is asked for are not read; one file a day, sorted by event and unit, is read fastest.
    """

    def __init__(self, folder: Path, *, bounds: Bounds | None = None) -> None:
        self._folder = folder
        self._bounds = bounds or Bounds()

    @property
    def complete_until(self) -> datetime | None:
        """Return until when everything that was received is in the folder; None where nobody has written that down."""
        state = read_export_state(self._folder)
        return None if state is None else state.complete_until

    @contextmanager
    def look(self, trial: Trial, *, at: Sequence[datetime]) -> Iterator[Look]:
        """Open a look at an experiment.

        Raises:
            UsageError: EXP050 a moment makes no sense, EXP052, EXP053, EXP054 the files are not what they should be.
            NotReadyError: EXP051 DuckDB is not installed, EXP055 memory does not do, EXP056 there is no room for its
                files, EXP057 the files do not reach so far.
        """
        for moment in at:
            self._require_complete(trial.closing(moment))
        with self._opened() as engine:
            yield SqlLook(engine, trial, at=at)

    def cross(self, one: Trial, other: Trial, *, at: datetime, metrics: Mapping[str, Metric]) -> Crossing:
        """Return the units that are in both experiments."""
        self._require_complete(min(one.closing(at), other.closing(at)))
        with self._opened() as engine:
            return cross(engine, one, other, at=at, metrics=metrics)

    def _require_complete(self, closing: datetime) -> None:
        until = self.complete_until
        if until is not None and closing > until:
            raise NotReadyError(
                f"the files in `{self._folder}` reach until {until.isoformat()}",
                code="EXP057",
                why="what came later is not in them, and would count as nothing",
                fix="bring them up to date, or look at that moment: opsctl experiments export",
            )

    @contextmanager
    def _opened(self) -> Iterator["_DuckDb"]:
        is_ours = self.complete_until is not None
        exposures = data_files(self._folder / "exposures", EXPOSURES, time="exposed_at", may_be_none=is_ours)
        events = data_files(self._folder / "events", EVENTS, time="observed_at", may_be_none=is_ours)
        try:
            import duckdb
        except ImportError as error:
            raise not_installed(error) from error
        with (
            tempfile.TemporaryDirectory(
                prefix="opsctl-duckdb-", dir=self._bounds.temporary_folder
            ) as spilled,
            translated_errors(self._folder, memory=format_bytes(self._bounds.memory)),
            duckdb.connect(config=_settings(self._bounds, Path(spilled))) as connection,
        ):
            connection.execute(
                "set enable_progress_bar = false"
            )  # it would print into the answer of a command
            yield _DuckDb(connection, exposures=exposures, events=events, bounds=self._bounds)


class _DuckDb:
    """DuckDB, and the files that it reads; stages become temporary tables, which it may move to disk."""

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        *,
        exposures: Sequence[DataFile],
        events: Sequence[DataFile],
        bounds: Bounds,
    ) -> None:
        self._connection = connection
        self._exposures = exposures
        self._events = events
        self._bounds = bounds
        self._made: dict[str, str] = {}

    @property
    def dialect(self) -> Dialect:
        """Return how it writes."""
        return DUCKDB

    @property
    def most_values_at_once(self) -> int | None:
        """Return how many values a quantile may hold in memory."""
        return self._bounds.values_at_once

    def exposures(self, *, parameter: str) -> str:
        """Return a select of the exposures of an experiment."""
        shape = shapes_of(self._exposures).get("attributes")
        attributes = "to_json(attributes)::varchar" if shape is Shape.MAP else "attributes"
        return (
            f"select {self._unit(is_needed=True)} as unit_id, variant,"
            f" {_moment('exposed_at', shapes_of(self._exposures).get('exposed_at'))} as moment,"
            f" {'null::varchar' if shape is None else attributes} as attributes"
            f" from {_scan(self._exposures, EXPOSURES)} where experiment = {DUCKDB.placeholder(parameter)}"
        )

    def events(self, *, names: Sequence[str], since: int, until: int) -> str:
        """Return a select of events, of the files that may hold any; whose times all lie within are not looked at singly."""
        files = [each for each in self._events if each.may_hold(since=since, until=until)]
        within = [each for each in files if each.lies_within(since=since, until=until)]
        others = [each for each in files if each not in within]
        shape = shapes_of(files).get("observed_at")
        moment = "make_timestamp" if shape is Shape.UTC_TIME else "make_timestamptz"
        bounds = f" and observed_at >= {moment}({since}) and observed_at < {moment}({until})"
        parts = [each for each in ((within, ""), (others, bounds)) if each[0]] or [(files, "")]
        return " union all ".join(
            f"select event, {self._unit()} as unit_id, value::double as value,"
            f" {_moment('observed_at', shape)} as moment"
            f" from {_scan(scanned, EVENTS)} where event in ({literals(names)}){condition}"
            for scanned, condition in parts
        )

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; its stages are made first, those that are not there yet."""
        for stage in query.stages:
            if self._made.get(stage.name) != stage.sql:
                self._make(stage, parameters=query.parameters)
        parts = ", ".join(f"{name} as ({sql})" for name, sql in query.parts)
        return self._run(f"with {parts} {query.sql}" if parts else query.sql, query.parameters)

    def _make(self, stage: Stage, *, parameters: Mapping[str, str]) -> None:
        if stage.groups_by_unit:
            self._run(f"set perfect_ht_threshold = {self._bits(stage)}", {})
        self._run(f"create or replace temp table {stage.name} as {stage.sql}", parameters)
        self._made[stage.name] = stage.sql

    def _bits(self, stage: Stage) -> int:
        """Return how many bits a unit's number may have to be its own place in memory: a third faster than a hash table."""
        units = self._run("select count(*) from units", {})[0][0]
        bits = max((int(units) + 1).bit_length(), 2)
        threads = self._bounds.threads or os.cpu_count() or 1
        needed = 2**bits * stage.groups_by_unit * _STATE_BYTES * threads
        return bits if needed <= self._bounds.memory * _SHARE_FOR_STATES else 2

    def _run(self, sql: str, parameters: Mapping[str, str]) -> list[tuple[Any, ...]]:
        used = {name: value for name, value in parameters.items() if DUCKDB.placeholder(name) in sql}
        return self._connection.execute(sql, used or None).fetchall()

    def _unit(self, *, is_needed: bool = False) -> str:
        """Return the unit's id: a number where all files have one, which is faster, else a text; an empty one is none."""
        shapes = {shapes_of(files).get("unit_id") for files in (self._exposures, self._events)} - {None}
        if shapes == {Shape.WHOLE}:
            return "unit_id::bigint"
        return "nullif(unit_id::varchar, '')" if is_needed else "unit_id::varchar"


def _settings(bounds: Bounds, spilled: Path) -> dict[str, str | bool | int | float | list[str]]:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{bounds.memory}B",
        "temp_directory": str(spilled),
        # Nothing is fetched from anywhere: all that is needed is part of the library.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
    }
    return settings if bounds.threads is None else settings | {"threads": str(bounds.threads)}


def _scan(files: Sequence[DataFile], columns: Mapping[str, Any]) -> str:
    if not files:
        kinds = {"value": "double", "exposed_at": "timestamptz", "observed_at": "timestamptz"}
        nothing = ", ".join(f"null::{kinds.get(name, 'varchar')} as {name}" for name in columns)
        return f"(select {nothing} where false)"
    return f"read_parquet([{', '.join(_path(each.path) for each in files)}], hive_partitioning = false)"


def _path(path: Path) -> str:
    """Return a path as a literal that stands for this file alone: it is read as a pattern."""
    plain = "".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(path.absolute()))
    return "'{}'".format(plain.replace("'", "''"))


def _moment(column: str, shape: Shape | None) -> str:
    """Return a time in microseconds; nanoseconds are cut off."""
    return f"epoch_us({column}::{'timestamp' if shape is Shape.UTC_TIME else 'timestamptz'})"
