"""What Prometheus is told of experiments, from PostgreSQL and a ledger as the service and the verbs leave them."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.command import Outcome, run_opsctl
from tests.experiments.books import book, weighted

from opsctl.cli.experiments_exporting import running
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.evidence.model import Record, Verdict
from opsctl.experiments.peeks import PEEK_KIND
from opsctl.experiments.registry import digest_of_book, spec_of
from opsctl.exporters.experiments import RunningExperiment
from opsctl.store.experiments import end_experiment, read_experiment, start_experiment

if TYPE_CHECKING:
    import psycopg

pytestmark = pytest.mark.stack
SRM = "opsctl.experiments.statistics.srm_watch"


class Ground:
    """A database in which experiments are started and seen."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection

    def start(self, name: str = "agents", **changes: Any) -> None:
        """Start an experiment now."""
        experiment = book(**changes)
        digest = digest_of_book(experiment)
        started = start_experiment(
            self.connection, name=name, spec=spec_of(experiment), digest=digest, ramp=experiment.ramp
        )
        assert started is not None

    def expose(self, arm: str, units: range, *, name: str = "agents") -> None:
        """Let units see an arm."""
        self.connection.execute(
            "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at)"
            " select %(name)s || %(arm)s || n, %(name)s, n::text, %(arm)s, clock_timestamp()"
            " from generate_series(%(first)s::int, %(last)s::int) as n",
            {"name": name, "arm": arm, "first": units.start, "last": units.stop - 1},
        )

    def tell(self, *looks: Record, days: float = 7) -> dict[str, RunningExperiment]:
        """Return what is told so many days from now."""
        found = running(self.connection, looks=looks, now=datetime.now(UTC) + timedelta(days=days))
        return {each.name: each for each in found}


@pytest.fixture
def ground(database: DatabaseAddress) -> Iterator[Ground]:
    """Give a database with all tables."""
    with connect(database) as connection:
        yield Ground(connection)


def peek(*, digest: str, simulated: tuple[str, ...] = ()) -> Record:
    """Return the record of a look."""
    now = datetime.now(UTC)
    return Record(
        sequence=1,
        id="1",
        kind=PEEK_KIND,
        subject="agents",
        verdict=Verdict.PASS,
        figures={},
        inputs={"experiment": digest},
        tools={},
        git_commit=None,
        started_at=now,
        duration_seconds=0.0,
        recorded_at=now,
        expires_at=now,
        simulated=simulated,
    )


def test_only_what_runs_is_told(ground: Ground):
    """Neither what has ended, nor what another version of opsctl has started and this one cannot read."""
    for name in ("agents", "over"):
        ground.start(name)
    end_experiment(ground.connection, "over")
    start_experiment(ground.connection, name="strange", spec={"arms": 7}, digest="0" * 64, ramp=1.0)

    assert set(ground.tell()) == {"agents"}


def test_readers_who_are_lost_in_one_arm_lower_p(ground: Ground):
    """Below what the alert allows; a healthy experiment stays above, and one without units has none."""
    for name in ("agents", "healthy", "unseen"):
        ground.start(name)
    ground.expose("control", range(1000))
    ground.expose("changed", range(1000, 1800))
    ground.expose("control", range(1000), name="healthy")
    ground.expose("changed", range(1000, 2010), name="healthy")

    told = ground.tell()

    assert told["agents"].units == {"control": 1000, "changed": 800}
    assert (told["agents"].sample_ratio_p or 1) < 0.001
    assert (told["healthy"].sample_ratio_p or 0) > 0.5
    assert told["unseen"].sample_ratio_p is None


@pytest.mark.parametrize("arm", ["c", "strange"])
def test_a_unit_in_an_arm_that_gets_nobody_is_impossible(ground: Ground, arm: str):
    """Its p is 0, however well the others are split; units that saw another arm before count for none."""
    ground.start(arms=weighted(0.5, 0.5, 0.0))
    ground.expose("control", range(100))
    ground.expose("b", range(100, 200))
    ground.expose(arm, range(150, 160))
    among_several = ground.tell()["agents"]
    ground.expose(arm, range(300, 301))
    alone = ground.tell()["agents"]

    assert (among_several.in_several_arms, among_several.units["b"]) == (10, 90)
    assert (among_several.sample_ratio_p or 0) > 0.1
    assert alone.sample_ratio_p == 0
    assert alone.in_unknown_arms == (arm == "strange")


def test_looks_are_those_at_what_runs(ground: Ground):
    """Not at an earlier book, and not at a simulation of the same one."""
    ground.start()
    row = read_experiment(ground.connection, "agents")
    assert row is not None
    looks = [peek(digest=row.digest), peek(digest="other"), peek(digest=row.digest, simulated=("readers",))]

    told = ground.tell(*looks)["agents"]

    assert (told.looks, told.ramp) == (1, 1.0)
    assert told.horizon_passed == pytest.approx(0.5, abs=0.01)
    assert (ground.tell(days=-1)["agents"].horizon_passed, told.digest) == (None, row.digest)


def test_without_scipy_only_p_is_missing(ground: Ground, monkeypatch: pytest.MonkeyPatch):
    """The extra `experiments` is not needed to watch."""
    ground.start()
    ground.expose("control", range(5))
    ground.expose("changed", range(5, 9))
    whole = ground.tell()["agents"]

    monkeypatch.setitem(sys.modules, SRM, None)
    without = ground.tell()["agents"]

    assert whole.sample_ratio_p == 1.0
    assert without.sample_ratio_p is None
    assert without.units == whole.units


def export(folder: Path, database: DatabaseAddress) -> Outcome:
    """Run the exporter once."""
    environment = {"OPSCTL_DATABASE_URL": database.url, "OPSCTL_DATABASE_PASSWORD": database.password or ""}
    return run_opsctl(
        "metrics",
        "export",
        "--once",
        "--family",
        "experiments",
        "--json",
        folder=folder,
        environment=environment,
    )


def test_the_command_tells_of_a_running_experiment_and_of_none_without_tables(
    tmp_path: Path, database: DatabaseAddress
):
    """An older schema is no failure."""
    with connect(database) as connection:
        ground = Ground(connection)
        ground.start()
        ground.expose("control", range(60))
        connection.commit()
    told = export(tmp_path, database)
    with connect(database) as connection:
        connection.execute("alter table experiment_exposures rename to gone")
        connection.commit()
    older = export(tmp_path, database)

    assert (told.exit_code, older.exit_code) == (0, 0), (told.stderr, older.stderr)
    samples = {
        (each["name"], *each["labels"].values()): each["value"] for each in json.loads(told.stdout)["data"]
    }
    assert samples["experiment_units", "agents", "control"] == 60
    assert samples["experiment_sample_ratio_p_ratio", "agents"] < 0.001
    assert {each["name"] for each in json.loads(older.stdout)["data"]} == {
        "opsctl_exporter_last_success_timestamp_seconds",
        "opsctl_exporter_duration_seconds",
    }
