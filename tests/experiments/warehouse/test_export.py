"""What an export appends: every row once, whatever interrupts it and whoever writes meanwhile."""

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from tests.experiments.warehouse.histories import DAY, START, random_history, trial, write_database

from opsctl.clients.file_locks import FileLock
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import NotReadyError, OpsError, RefusedError, UsageError
from opsctl.core.events import Event, PhaseAdvanced
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.warehouse import export_batches
from opsctl.experiments.warehouse.export import export
from opsctl.experiments.warehouse.export_state import read_export_state, write_export_state
from opsctl.experiments.warehouse.model import Measured
from opsctl.experiments.warehouse.parquet import ParquetWarehouse
from opsctl.experiments.warehouse.postgres import PostgresWarehouse

HISTORY = random_history(3, units=40)
AT = START + 7.5 * DAY
_METRIC = "insert into experiment_metrics (idempotency_key, metric, unit_id, value, observed_at) values (%s, 'order', '1', 1, now())"


@pytest.fixture
def filled(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database with a history."""
    write_database(HISTORY, database)
    return database


@pytest.mark.slow
def test_an_export_holds_what_the_database_holds(filled, tmp_path):
    """Both warehouses say the same of it, to the last event."""
    done = export(filled, tmp_path, rows_at_once=300)

    with PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        wanted = look.population(), look.measure()
    _claim_completeness(tmp_path)
    with ParquetWarehouse(tmp_path).look(trial(), at=[AT]) as look:
        found = look.population(), look.measure()
    assert _rows_in(tmp_path) == (len(HISTORY.exposures), len(HISTORY.events))
    assert sum(done.rows.values()) == len(HISTORY.exposures) + len(HISTORY.events)
    assert found[0] == wanted[0]
    assert {
        name: [(row.arm, row.moments.n) for row in rows.rows] for name, rows in found[1].means.items()
    } == {name: [(row.arm, row.moments.n) for row in rows.rows] for name, rows in wanted[1].means.items()}
    assert _values(found[1]) == _values(wanted[1])


@pytest.mark.slow
def test_files_lie_by_day_and_are_sorted(filled, tmp_path):
    """Each holds one day in UTC, in the order in which analysis reads it."""
    export(filled, tmp_path)

    files = sorted((tmp_path / "events").rglob("*.parquet"))
    assert len(files) > 20
    for path in files:
        rows = duckdb.execute(
            f"select event, unit_id, observed_at at time zone 'UTC' from read_parquet('{path}', hive_partitioning = false)"  # noqa: S608
        ).fetchall()
        assert rows == sorted(rows)
        assert {f"day={row[2].date().isoformat()}" for row in rows} == {path.parent.name}


@pytest.mark.slow
def test_a_second_export_appends_what_is_new_and_touches_nothing_else(filled, tmp_path):
    """A row that comes late goes into a new file of its old day."""
    export(filled, tmp_path)
    before = _contents(tmp_path)
    late = START - timedelta(days=3)
    with connect(filled) as connection:
        connection.execute(
            "insert into experiment_metrics (idempotency_key, metric, unit_id, value, observed_at) values ('late', 'order', '1', 2, %s)",
            [late],
        )

    done = export(filled, tmp_path)
    again = export(filled, tmp_path)

    new = _contents(tmp_path).keys() - before.keys()
    assert done.rows == {"exposures": 0, "metrics": 1, "interactions": 0}
    assert (again.files, set(again.rows.values())) == (0, {0})
    assert {path.parent.name for path in new} == {f"day={late.date().isoformat()}"}
    assert {path: data for path, data in _contents(tmp_path).items() if path in before} == before


@pytest.mark.slow
def test_an_export_that_died_between_files_and_watermark_goes_on_without_a_row_twice(filled, tmp_path):
    """The files of the unfinished batch are there already; the next run cuts batches otherwise."""
    kept: list[bytes] = []

    def listen(event: Event) -> None:
        if isinstance(event, PhaseAdvanced):
            kept.append((tmp_path / "export.json").read_bytes())

    export(filled, tmp_path, rows_at_once=200, listener=listen)
    for state in (kept[len(kept) // 2], kept[0]):
        (tmp_path / "export.json").write_bytes(state)
        export(filled, tmp_path, rows_at_once=333)

        assert _rows_in(tmp_path) == (len(HISTORY.exposures), len(HISTORY.events))


@pytest.mark.slow
def test_an_export_that_was_killed_goes_on(filled, tmp_path):
    """`kill -9` in the middle, again and again, until one comes to its end."""
    program = (
        "import sys; from pathlib import Path; from opsctl.clients.postgres import DatabaseAddress;"
        "from opsctl.experiments.warehouse.export import export;"
        "export(DatabaseAddress(url=sys.argv[1], password=sys.argv[2]), Path(sys.argv[3]), rows_at_once=100)"
    )
    command = [sys.executable, "-c", program, filled.url, filled.password or "", str(tmp_path)]
    codes = []
    for _ in range(2):
        process = subprocess.Popen(command)
        files = len(list(tmp_path.rglob("*.parquet")))
        while process.poll() is None and len(list(tmp_path.rglob("*.parquet"))) < files + 25:
            time.sleep(0.005)
        process.kill()
        codes.append(process.wait())

    export(filled, tmp_path, rows_at_once=1000)

    assert codes == [-9, -9]
    assert _rows_in(tmp_path) == (len(HISTORY.exposures), len(HISTORY.events))


@pytest.mark.slow
def test_a_transaction_that_is_open_is_waited_for(database, tmp_path):
    """Its rows have lower ids than those that others have committed since."""
    with connect(database) as slow, connect(database, autocommit=True) as quick:
        slow.execute(_METRIC, ["slow"])
        quick.execute(_METRIC, ["quick"])
        threading.Timer(0.4, slow.commit).start()

        done = export(database, tmp_path)

    assert done.rows["metrics"] == 2


def test_a_transaction_that_does_not_end_is_named_and_nothing_is_lost(database, tmp_path):
    """EXP070; transactions that have not written here are not waited for."""
    with connect(database) as slow, connect(database) as idle, connect(database, autocommit=True) as quick:
        idle.execute("select txid_current()")
        slow.execute(_METRIC, ["slow"])
        quick.execute(_METRIC, ["quick"])
        process = slow.info.backend_pid

        with pytest.raises(NotReadyError) as refused:
            export(database, tmp_path, settle_seconds=0.2)
        slow.commit()
        done = export(database, tmp_path, settle_seconds=0.2)

    assert refused.value.code == "EXP070"
    assert str(process) in (refused.value.why or "")
    assert done.rows["metrics"] == 2


@pytest.mark.slow
def test_writers_do_not_wait_for_an_export_and_none_of_their_rows_is_left_out(database, tmp_path):
    """Four of them write all the time, in transactions of several rows; exports run meanwhile."""
    ended = threading.Event()
    written = [0] * 4

    def write(number: int) -> None:
        with connect(database) as connection:
            while not ended.is_set():
                for _ in range(3):
                    connection.execute(_METRIC, [f"{number}-{written[number]}"])
                    written[number] += 1
                connection.commit()

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        exports = [export(database, tmp_path) for _ in range(5)]
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    last = export(database, tmp_path)

    assert exports[-1].complete_until < last.complete_until
    assert _rows_in(tmp_path)[1] == sum(written)


@pytest.mark.slow
def test_rows_that_are_gone_do_not_stop_an_export(filled, tmp_path):
    """A reader was removed, and with him the newest interactions."""
    export(filled, tmp_path)
    with connect(filled) as connection:
        connection.execute("delete from users")

    done = export(filled, tmp_path)

    assert set(done.rows.values()) == {0}


@pytest.mark.slow
def test_a_folder_that_is_ahead_of_the_database_is_refused(filled, tmp_path):
    """It is that of another one, or this one went back in time."""
    export(filled, tmp_path)
    state = read_export_state(tmp_path)
    assert state is not None
    write_export_state(
        tmp_path, type(state)(watermarks={"metrics": 10_000_000}, complete_until=state.complete_until)
    )

    with pytest.raises(RefusedError) as refused:
        export(filled, tmp_path)

    assert refused.value.code == "EXP071"


@pytest.mark.slow
def test_long_attributes_take_smaller_batches(database, tmp_path, monkeypatch):
    """Memory follows the bytes of a batch, not the number of its rows."""
    monkeypatch.setattr(export_batches, "MOST_BYTES", 50_000)
    with connect(database) as connection:
        connection.execute(
            "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at, attributes)"
            " select 'k' || n, 'agents', n::text, 'control', now(), jsonb_build_object('text', repeat('x', 4000))"
            " from generate_series(1, 100) as n"
        )

    done = export(database, tmp_path)

    assert done.rows["exposures"] == 100
    assert done.files > 5
    assert _rows_in(tmp_path)[0] == 100


def test_times_that_never_were_are_left_out(database, tmp_path):
    """Infinity is a time in PostgreSQL, and in no file."""
    with connect(database) as connection:
        for key, moment in (("a", "infinity"), ("b", "-infinity"), ("c", "2026-11-01"), ("d", "20000-01-01")):
            connection.execute(
                "insert into experiment_metrics (idempotency_key, metric, unit_id, value, observed_at) values (%s, 'order', '1', 1, %s)",
                [key, moment],
            )

    assert export(database, tmp_path).rows["metrics"] == 1


def test_one_export_at_a_time(filled, tmp_path):
    """Two would write the same rows."""
    with FileLock(tmp_path / ".export.lock"), pytest.raises(RefusedError) as refused:
        export(filled, tmp_path)

    assert refused.value.code == "FIL002"


def test_an_export_of_nothing_is_an_empty_history(database, tmp_path):
    """Nobody was there, which is no error."""
    done = export(database, tmp_path)

    early = trial()
    with ParquetWarehouse(tmp_path).look(early, at=[START + DAY]) as look:
        assert look.population().total == 0
    assert done.files == 0


@pytest.mark.slow
def test_a_look_beyond_the_export_is_refused(filled, tmp_path):
    """What came since would count as nothing."""
    until = START + 2 * DAY
    export(filled, tmp_path)
    state = read_export_state(tmp_path)
    assert state is not None
    write_export_state(tmp_path, type(state)(watermarks=state.watermarks, complete_until=until))
    warehouse = ParquetWarehouse(tmp_path)

    assert warehouse.complete_until == until
    with warehouse.look(trial(), at=[until]) as look:
        assert look.population().total > 0
    with pytest.raises(NotReadyError) as refused, warehouse.look(trial(), at=[until, until + DAY]):
        pass
    assert refused.value.code == "EXP057"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": "other"}', '{"schema": "opsctl.experiments.export/1"}']
)
def test_a_state_that_cannot_be_read_is_refused(filled, tmp_path, text):
    """Without it rows would be written twice."""
    (tmp_path / "export.json").write_text(text)

    with pytest.raises(UsageError) as refused:
        export(filled, tmp_path)

    assert refused.value.code == "EXP072"


def test_a_database_without_tables_is_told(empty_database, tmp_path):
    """It is another one than the service's."""
    with pytest.raises(OpsError) as refused:
        export(empty_database, tmp_path)

    assert refused.value.code == "EXP059"


def _values(measured: Measured) -> list[object]:
    """Return the values of quantiles, which are exact; sums may be rounded otherwise."""
    told = [each for rows in measured.quantiles.values() for each in rows.arms.values()]
    return [
        each if isinstance(each, CannotTell) else (each.value, each.low, each.high, each.moments.n)
        for each in told
    ]


def _rows_in(folder: Path) -> tuple[int, int]:
    """Return how many rows there are of exposures and of events."""
    return tuple(  # type: ignore[return-value]
        sum(_count(path) for path in (folder / name).rglob("*.parquet")) for name in ("exposures", "events")
    )


def _count(path: Path) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(path).num_rows)


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.parquet")}


def _claim_completeness(folder: Path) -> None:
    """Say that the future, in which these histories lie, is in the files."""
    state = read_export_state(folder)
    assert state is not None
    write_export_state(
        folder, type(state)(watermarks=state.watermarks, complete_until=datetime(2030, 1, 1, tzinfo=UTC))
    )
