"""An experiment that runs for readers, as PostgreSQL has it, from its start to its verdict."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.command import Outcome, run_opsctl
from tests.experiments.books import document

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.clock import SystemClock
from opsctl.evidence.ledger import Ledger
from opsctl.experiments.assignment import Assigner
from opsctl.experiments.book import Experiment
from opsctl.experiments.peeks import Peek, peek_evidence
from opsctl.experiments.registry import start_now
from opsctl.experiments.start_records import start_evidence

pytestmark = pytest.mark.stack

METRICS = {
    "clicks": {
        "kind": "mean",
        "events": ["clicked"],
        "role": "primary",
        "mde": "20%",
        "baseline": {"mean": 2.0, "deviation": 1.4},
    }
}
READERS = 1200
_GUARD = "experiments_keep_what_was_started"


class Running:
    """Runs verbs against a database in which an experiment has started."""

    def __init__(self, folder: Path, database: DatabaseAddress) -> None:
        self.folder, self.database = folder, database
        books = folder / "ops" / "experiments"
        books.mkdir(parents=True)
        self.document = document(metrics=METRICS, units=READERS)
        (books / "agents.yaml").write_text(yaml.safe_dump(self.document, sort_keys=False), encoding="utf-8")
        started = self.run("start", "agents", "--confirm", "agents", "--json")
        assert started.exit_code == 0, started.stderr
        self.started_at = self.backdate("agents")
        self.horizon = (self.started_at + timedelta(days=14, seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def backdate(self, name: str) -> datetime:
        """Let an experiment have started fifteen days ago, past the guard against just that, and return when."""
        with connect(self.database) as connection:
            connection.execute(f"alter table experiments disable trigger {_GUARD}")
            row = connection.execute(
                "update experiments set started_at = started_at - interval '15 days' where name = %s"
                " returning started_at",
                [name],
            ).fetchone()
            connection.execute(f"alter table experiments enable trigger {_GUARD}")
            connection.commit()
        assert row is not None
        return datetime.fromisoformat(str(row[0])).astimezone(UTC)

    def run(self, *arguments: str) -> Outcome:
        """Run one verb."""
        environment = {
            "OPSCTL_DATABASE_URL": self.database.url,
            "OPSCTL_DATABASE_PASSWORD": self.database.password or "",
        }
        return run_opsctl("experiments", *arguments, folder=self.folder, environment=environment)

    def analyze(self) -> tuple[Outcome, dict[str, Any]]:
        """Analyse at the horizon."""
        outcome = self.run("analyze", "agents", "--at", self.horizon, "--json")
        assert outcome.stdout, outcome.stderr
        return outcome, json.loads(outcome.stdout)["data"]

    def expose(self, *, extra_clicks: int = 1) -> None:
        """Let readers see their arms, and click: two or three times in the control, more in the other arm."""
        assigner = Assigner(Experiment.model_validate(self.document), name="agents")
        with connect(self.database) as connection, connection.cursor() as cursor:
            for reader in range(READERS):
                arm = assigner.assign(str(reader))
                at = self.started_at + timedelta(minutes=reader)
                cursor.execute(
                    "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at)"
                    " values (%s, 'agents', %s, %s, %s)",
                    [f"e{reader}", str(reader), arm, at],
                )
                clicks = 1 + reader % 3 + (extra_clicks if arm == "changed" else 0)
                cursor.execute(
                    "insert into experiment_metrics (idempotency_key, metric, unit_id, value, observed_at)"
                    " values (%s, 'clicked', %s, 1, %s)",
                    [f"before{reader}", str(reader), at - timedelta(hours=1)],
                )
                for click in range(clicks):
                    cursor.execute(
                        "insert into experiment_metrics (idempotency_key, metric, unit_id, value, observed_at)"
                        " values (%s, 'clicked', %s, 1, %s)",
                        [f"c{reader}-{click}", str(reader), at + timedelta(hours=1 + click)],
                    )
            connection.commit()


@pytest.fixture
def running(tmp_path: Path, database: DatabaseAddress) -> Running:
    """Give a started experiment."""
    return Running(tmp_path, database)


@pytest.mark.slow
def test_a_better_arm_is_shipped_at_the_horizon(running: Running) -> None:
    """Means are exact: clicks before the exposure do not count."""
    running.expose()

    outcome, data = running.analyze()
    early = running.run(
        "analyze", "agents", "--at", (running.started_at + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    table = running.run("analyze", "agents", "--at", running.horizon)

    assert (outcome.exit_code, data["verdict"]["outcome"], data["verdict"]["arm"]) == (0, "ship", "changed")
    (clicks,) = data["results"]
    assert clicks["control"]["value"] == pytest.approx(2.0, abs=0.1)
    assert clicks["difference"] == pytest.approx(1.0, abs=0.1)
    assert sum(data["units"].values()) == READERS
    assert data["simulated"] == []
    assert (early.exit_code, "keep running" in early.stdout) == (5, True)
    assert "simulated" not in table.stdout
    assert "looked at 2 times before" in table.stdout


@pytest.mark.slow
def test_the_horizon_cannot_be_looked_at_before_it_is_there(running: Running) -> None:
    """Neither by a moment in the future, nor by an end before the horizon: a look would be a test for the horizon."""
    running.expose()
    future = running.run("analyze", "agents", "--at", "2999-01-01")
    with connect(running.database) as connection:
        connection.execute(f"alter table experiments disable trigger {_GUARD}")
        connection.execute("update experiments set ended_at = started_at + interval '3 days'")
        connection.execute(f"alter table experiments enable trigger {_GUARD}")
        connection.commit()
    ended, data = running.analyze()

    assert (future.exit_code, "EXP050" in future.stderr, future.stdout) == (2, True, "")
    assert (ended.exit_code, data["verdict"]["outcome"]) == (1, "do_not_ship")
    assert "stopped before its rule allows a verdict" in data["verdict"]["reasons"][0]


@pytest.mark.slow
def test_lost_readers_and_readers_in_two_arms_make_it_invalid(running: Running) -> None:
    """However much better an arm looks."""
    running.expose()
    with connect(running.database) as connection:
        connection.execute(
            "delete from experiment_exposures where variant = 'changed' and unit_id::int % 5 = 0"
        )
        connection.commit()
    lost, told = running.analyze()
    with connect(running.database) as connection:
        connection.execute(
            "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at)"
            " select 'again' || unit_id, experiment, unit_id, 'changed', exposed_at + interval '1 hour'"
            " from experiment_exposures where variant = 'control' and unit_id::int % 10 = 0"
        )
        connection.commit()
    twice, again = running.analyze()

    assert (lost.exit_code, told["verdict"]["outcome"]) == (1, "invalid")
    assert "the arms have the wrong sizes" in told["verdict"]["reasons"][0]
    assert (twice.exit_code, again["verdict"]["outcome"]) == (1, "invalid")
    assert any("saw several arms" in reason for reason in again["verdict"]["reasons"])


def test_an_experiment_that_nobody_saw_says_so(running: Running) -> None:
    """Neither a crash nor a lift of nothing."""
    outcome, data = running.analyze()

    assert outcome.exit_code == 1
    assert data["results"][0]["lift"] is None
    assert "it has no units" in data["verdict"]["reasons"][0]


def test_one_that_was_never_started_is_refused(running: Running) -> None:
    """With the command that starts it."""
    outcome = running.run("analyze", "others")

    assert outcome.exit_code == 2
    assert "EXP022" in outcome.stderr
    assert "opsctl experiments start others" in outcome.stderr


@pytest.mark.slow
def test_two_experiments_at_once_are_screened_for_what_both_do_together(running: Running) -> None:
    """Independent arms are said to be so; an effect that only both have together is told, with the other's name."""
    running.expose()
    other = running.document | {
        "layers": {},
        "arms": {"control": {"weight": 0.5}, "bold": {"weight": 0.5, "settings": {"exploration_share": 0.3}}},
    }
    (running.folder / "ops" / "experiments" / "bold.yaml").write_text(
        yaml.safe_dump(other, sort_keys=False), encoding="utf-8"
    )
    started = running.run("start", "bold", "--confirm", "bold")
    assert started.exit_code == 0, started.stderr
    running.backdate("bold")
    assigner = Assigner(Experiment.model_validate(other), name="bold")
    own = Assigner(Experiment.model_validate(running.document), name="agents")
    with connect(running.database) as connection, connection.cursor() as cursor:
        for reader in range(READERS):
            arm, at = assigner.assign(str(reader)), running.started_at + timedelta(minutes=reader, seconds=30)
            cursor.execute(
                "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at)"
                " values (%s, 'bold', %s, %s, %s)",
                [f"b{reader}", str(reader), arm, at],
            )
            for click in range(4 if (own.assign(str(reader)), arm) == ("changed", "bold") else 0):
                cursor.execute(
                    "insert into experiment_metrics (idempotency_key, metric, unit_id, value, observed_at)"
                    " values (%s, 'clicked', %s, 1, %s)",
                    [f"both{reader}-{click}", str(reader), at + timedelta(hours=5)],
                )
        connection.commit()

    _, data = running.analyze()

    independence = next(check for check in data["checks"] if check["name"] == "independence of bold")
    assert not independence["is_fault"]
    assert len(data["meetings"]) == 1
    assert data["meetings"][0].startswith(
        "`clicks` of `changed` together with `bold` of `bold` changes by +4"
    )


@pytest.mark.slow
def test_a_simulation_of_the_same_book_hides_nothing_of_what_runs_for_readers(running: Running) -> None:
    """The verdict is that of the readers, and looks at the simulation are not theirs."""
    running.expose()
    ledger = Ledger(running.folder / ".opsctl" / "evidence", clock=SystemClock())
    simulated = start_now(
        Experiment.model_validate(running.document),
        name="agents",
        at=datetime(2026, 1, 5, tzinfo=UTC),
        simulated=("readers",),
    )
    ledger.append(start_evidence(simulated))
    ledger.append(peek_evidence(simulated, Peek(at=simulated.started_at, units={}, p={})))

    _, data = running.analyze()

    assert data["simulated"] == []
    assert data["look"]["looks_before"] == 0
    assert sum(data["units"].values()) == READERS


def _end_who_waits(database: DatabaseAddress, *, seconds: float = 60.0) -> int:
    """End the backend of an analysis as soon as it waits for a lock, as a database that goes away does; return how many."""
    with connect(database) as connection:
        connection.autocommit = True
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = connection.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event_type = 'Lock'"
                " and application_name = 'opsctl experiments' and datname = current_database()"
            ).fetchone()
            if ended is not None and ended[0]:
                return int(ended[0])
            time.sleep(0.05)
    return 0


@pytest.mark.slow
def test_a_database_that_goes_away_in_the_middle_ends_it_and_nobody_has_looked(running: Running) -> None:
    """Exit 3 with what is wrong and what to do; neither a look nor a verdict is recorded, and the next analysis is the first."""
    running.expose()
    ledger = Ledger(running.folder / ".opsctl" / "evidence", clock=SystemClock())
    before = [record.id for record in ledger.records()]
    with connect(running.database) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("lock table experiment_metrics in access exclusive mode")
        analysis = pool.submit(running.run, "analyze", "agents", "--at", running.horizon, "--json")
        ended = _end_who_waits(running.database)
        broken = analysis.result(timeout=120)
        holder.rollback()
    after = [record.id for record in ledger.records()]

    _, data = running.analyze()

    assert ended == 1
    assert broken.exit_code == 3, broken.stderr
    told = json.loads(broken.stdout)
    assert (told["ok"], told["data"], told["findings"][0]["code"]) == (False, None, "DBS001")
    assert "error[DBS001]: no database answers" in broken.stderr
    assert "hint:" in broken.stderr
    assert "Traceback" not in broken.stderr
    assert after == before
    assert data["look"]["looks_before"] == 0
    assert sum(data["units"].values()) == READERS
