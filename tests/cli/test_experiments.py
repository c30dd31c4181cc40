"""Experiments as an operator checks, starts, ramps, stops and asks about them."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
import yaml
from tests.cli.command import Outcome, run_opsctl
from tests.experiments.books import SMALL, document, weighted

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.clock import SystemClock
from opsctl.evidence.ledger import Ledger
from opsctl.experiments.assignment import Assigner
from opsctl.experiments.registry import start_now
from opsctl.experiments.start_records import start_evidence, starts_of


class Shell:
    """Runs `opsctl experiments` in one project folder, against a fresh database where one is given."""

    def __init__(self, folder: Path, database: DatabaseAddress | None = None) -> None:
        self.folder = folder
        self.books = folder / "ops" / "experiments"
        self.books.mkdir(parents=True)
        self.environment = {}
        if database is not None:
            self.environment = {
                "OPSCTL_DATABASE_URL": database.url,
                "OPSCTL_DATABASE_PASSWORD": database.password or "",
            }

    def write(self, name: str, **changes: Any) -> None:
        """Write the small book, top-level keys replaced."""
        text = yaml.safe_dump(document(**changes), sort_keys=False)
        (self.books / f"{name}.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> Outcome:
        """Run one verb."""
        return run_opsctl("experiments", *arguments, folder=self.folder, environment=self.environment)

    def data(self, *arguments: str) -> Any:
        """Run one verb that must be good, and return the data of its JSON document."""
        outcome = self.run(*arguments, "--json")
        assert outcome.exit_code == 0, outcome.stderr
        return json.loads(outcome.stdout)["data"]

    def piped(self, text: bytes, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """Run `assign` with ids on standard input."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OPSCTL_")}
        return subprocess.run(
            [sys.executable, "-m", "opsctl", "experiments", "assign", *arguments],
            cwd=self.folder,
            env=clean | {"HOME": str(self.folder), "NO_COLOR": "1"},
            input=text,
            capture_output=True,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give a project of which no database is asked for anything."""
    return Shell(tmp_path)


@pytest.fixture
def with_database(tmp_path: Path, database: DatabaseAddress) -> Shell:
    """Give a project with a database of its own."""
    return Shell(tmp_path, database)


def test_right_books_pass_and_the_exit_code_says_so(shell: Shell) -> None:
    """Nothing on stderr, one sentence on stdout; no server is started for it."""
    shell.write("agents")

    outcome = shell.run("lint")

    assert outcome == Outcome(exit_code=0, stdout="✔ 1 experiment: nothing found\n", stderr="")
    assert not (shell.folder / ".opsctl" / "stack").exists()


def test_all_problems_of_all_books_are_told_at_their_places(shell: Shell) -> None:
    """Those of one book, those between books, and what the service cannot be told; warnings beside them."""
    arms = {
        "control": {"weight": 0.5, "settings": {"diversty": 0.3}},
        "b": {"weight": 0.5, "settings": {"agents": ["quality"]}},
    }
    shell.write("agents", horizon="10d", arms=arms, layers={"ranking": {"start": 0.0, "end": 0.5}})
    shell.write("other", layers={"ranking": {"start": 0.4, "end": 1.0}})
    shell.write("weights", arms={"control": {"weight": 0.5}, "b": {"weight": 0.4}})

    outcome = shell.run("lint")

    assert outcome.exit_code == 1
    assert outcome.stdout == "2 experiments: 4 errors, 1 warning; `opsctl explain CODE` says more\n"
    for told in (
        "error[CFG003]: the book: the weights of the arms sum to 0.9, not to 1\n  --> ops/experiments/weights.yaml:1:1",
        "error[EXP005]: arm `control`: the service cannot be told `diversty` for a reader\n  --> ops/experiments/agents.yaml:9:7",
        "hint: did you mean `diversity`?",
        "error[EXP005]: arm `b`: an arm that sets `agents` needs `isolated_learners: true`\n  --> ops/experiments/agents.yaml:13:7",
        "warning[EXP009]: the horizon 10d is no whole number of weeks",
        "hint: write `7d`",
        "error[EXP004]: `agents` and `other` overlap in the layer `ranking`",
    ):
        assert told in outcome.stderr
    as_json = json.loads(shell.run("lint", "--json").stdout)
    assert (as_json["ok"], len(as_json["findings"])) == (False, 5)
    assert as_json["data"] == {"experiments": ["agents", "other"]}
    shell.write("agents", horizon="10d")
    (shell.books / "weights.yaml").unlink()
    (shell.books / "other.yaml").unlink()
    assert [shell.run("lint", *more).exit_code for more in ((), ("--fail-on", "warning"))] == [0, 1]


@pytest.mark.slow
def test_settings_of_a_simulated_experiment_may_be_those_of_the_simulator(shell: Shell) -> None:
    """What it does not know either is misspelt; and a start is strict, because readers would get nothing of it."""
    arms = {
        "control": {"weight": 0.5, "settings": {"learner": "beta_ts"}},
        "b": {"weight": 0.5, "settings": {"learner": "epinet_ts"}},
    }
    misspelt = arms | {"b": {"weight": 0.5, "settings": {"diversty": 1}}}
    shell.write("simulated", arms=arms, simulation={"users": 1000})
    shell.write("misspelt", arms=misspelt, simulation={"users": 1000})

    outcome = shell.run("lint")
    start = shell.run("start", "simulated", "--confirm", "simulated")

    assert (outcome.exit_code, outcome.stderr.count("error[")) == (1, 1)
    assert "error[EXP037]: `arms.b.settings.diversty`: the simulator does not know it" in outcome.stderr
    assert (start.exit_code, "EXP005" in start.stderr, "EXP001" in start.stderr) == (2, True, True)


@pytest.mark.slow
def test_arms_are_told_from_the_books_alone(shell: Shell) -> None:
    """As the service assigns, with the points of the hashes; ids are opaque, and no server is asked."""
    shell.write("agents", ramp=0.5, holdout=0.1)

    units = ("1", " 1", "é", "e\u0301", "\U0001f600", "a" * 300)
    found = shell.data("assign", *units, "--experiment", "agents")

    assigner = Assigner(_book(shell, "agents"), name="agents")
    assert [each["arm"] for each in found] == [assigner.assign(unit) for unit in units]
    assert [each["unit"] for each in found] == list(units)
    assert [each["points"] for each in found] == [
        {salt: str(point) for salt, point in assigner.place(unit).points.items()} for unit in units
    ]
    shown = shell.run("assign", *map(str, range(40)))
    assert (shown.exit_code, shown.stderr) == (0, "")
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["unit", "experiment", "arm", "why", "not", "points"]
    assert len(lines) == 41
    assert {"held out", "not ramped"} <= {
        why for line in lines for why in ("held out", "not ramped") if why in line
    }
    assert not (shell.folder / ".opsctl").exists()


def _book(shell: Shell, name: str) -> Any:
    from opsctl.experiments.load_experiments import load_experiment

    return load_experiment(shell.books / f"{name}.yaml").experiment


@pytest.mark.slow
def test_ids_come_from_standard_input_one_a_line(shell: Shell) -> None:
    """Each is answered as it comes; what is no id ends it with the line's number, and what came before stands."""
    shell.write("agents")
    ids = b"1\n 2 \n\xc3\xa9\r\nlast"

    lines = [json.loads(line) for line in shell.piped(ids, "--ndjson").stdout.splitlines()]
    empty = shell.piped(b"1\n\n3\n", "--ndjson")
    latin = shell.piped(b"1\n2\n\xe9\n", "--ndjson")

    assert [line["unit"] for line in lines] == ["1", " 2 ", "é", "last"]
    assert (empty.returncode, len(empty.stdout.splitlines())) == (2, 1)
    assert b"line 2 of standard input is empty" in empty.stderr
    assert (latin.returncode, len(latin.stdout.splitlines())) == (2, 2)
    assert b"line 3 of standard input is no UTF-8" in latin.stderr
    assert shell.piped(b"5\n6\n").stdout.count(b"agents") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("assign", ""), "EXP030", 2),
        (("assign", "1", "--experiment", "agent"), "EXP003", 2),
        (("start", "agents", "--confirm", "agent"), "EXP024", 4),
        (("ramp", "agents", "0.5"), "EXP024", 4),
        (("stop", "agents"), "EXP024", 4),
        (("ramp", "agents", "half", "--confirm", "agents"), "CLI002", 2),
    ],
)
def test_what_is_refused_is_refused_before_any_server_is_asked(
    shell: Shell, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    """Each with its code, and with one document for a program."""
    shell.write("agents")

    outcome = shell.run(*arguments, "--json")

    error = json.loads(outcome.stdout)
    assert (outcome.exit_code, error["schema"], error["findings"][-1]["code"]) == (
        exit_code,
        "opsctl.error/v1",
        code,
    )
    assert not (shell.folder / ".opsctl" / "stack").exists()


def test_a_folder_that_is_not_there_has_the_shipped_books(tmp_path: Path) -> None:
    """A fresh folder can be tried at once."""
    outcome = run_opsctl("experiments", "assign", "1", folder=tmp_path)

    assert (outcome.exit_code, "four_or_six_agents" in outcome.stdout) == (0, True)


@pytest.mark.slow
def test_the_schema_of_experiments_is_printed(tmp_path: Path) -> None:
    """For editors."""
    outcome = run_opsctl("config", "schema", "experiment", folder=tmp_path)

    assert json.loads(outcome.stdout)["$id"] == "opsctl:experiment"


def test_a_plan_says_what_each_metric_needs_and_by_when_it_is_there(shell: Shell) -> None:
    """By the units of the books, and with the readers that come: overlapping, exclusive, with and without CUPED."""
    shell.write("agents")
    shell.write("bandit", arms=_other_arms())

    alone = shell.run("plan", "agents")
    found = shell.data("plan", "--daily", "2000", "--population", "20000", "--start", "2026-12-01")

    reach_of_test = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    needed = ceil(4 * reach_of_test**2 * 0.2 * 0.8 / 0.02**2)
    assert (alone.exit_code, alone.stderr) == (0, "")
    assert alone.stdout.splitlines()[1].split() == [
        *("agents", "engaged", "primary", "10", "%", "20,000", f"{needed:,}", "7.92", "%", "✔", "enough")
    ]
    reach = found["experiments"][0]["metrics"][0]["reach"]
    assert reach["units_needed"] == needed
    assert found["experiments"][0]["metrics"][1]["unknown"]["code"] == "EXP094"
    days = {
        (way["sharing"], way["with_pre_period"]): [each["done_on"] for each in way["metrics"]]
        for way in found["together"]["ways"]
    }
    # of 20,000 readers 1 - 0.9^d have come after d days
    assert days["overlapping", False] == ["2026-12-15"] * 2
    assert days["exclusive", False] == [None, None]
    assert found["together"]["exclusive_days"] is None


def _other_arms() -> dict[str, Any]:
    return {"control": {"weight": 0.5}, "b": {"weight": 0.5, "settings": {"exploration_share": 0.2}}}


@pytest.mark.slow
def test_a_plan_of_what_is_hopeless_or_unknown_does_not_end_well(shell: Shell) -> None:
    """1 and 5, each with what would help; and the start of what is hopeless is refused."""
    metrics = document()["metrics"]
    unknown = {
        **metrics,
        "engaged": {key: value for key, value in metrics["engaged"].items() if key != "baseline"},
    }
    shell.write("hopeless", units=1000)
    shell.write("unknown", metrics=unknown, arms=_other_arms())

    hopeless, unsure = shell.run("plan", "hopeless"), shell.run("plan", "unknown")
    lint = shell.run("lint")
    start = shell.run("start", "hopeless", "--confirm", "hopeless")

    assert (hopeless.exit_code, "✘ too few" in hopeless.stdout) == (1, True)
    assert "an effect of 0.0709 or more, 35.4% of the control can be found" in hopeless.stdout
    assert (unsure.exit_code, "it has no `baseline`" in unsure.stdout) == (5, True)
    assert (lint.exit_code, "error[EXP093]: `engaged` needs 12,559 units" in lint.stderr) == (1, True)
    assert "warning[EXP094]" in lint.stderr
    assert (
        start.exit_code,
        "EXP093" in start.stderr,
        "opsctl experiments plan hopeless" in start.stderr,
    ) == (4, True, True)
    assert not (shell.folder / ".opsctl" / "stack").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--population", "100"),
        ("--daily", "nan"),
        ("--start", "2026-02-30"),
    ],
)
def test_traffic_and_days_that_cannot_be_are_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    """EXP035 says why."""
    shell.write("agents")

    outcome = shell.run("plan", *arguments)

    assert (outcome.exit_code, "EXP035" in outcome.stderr, outcome.stdout) == (2, True, "")


@pytest.mark.slow
@pytest.mark.stack
def test_units_keep_their_arms_in_the_database_when_weights_move(with_database: Shell) -> None:
    """Under one version; another one follows the weights, and without `--sticky` nothing is remembered."""
    shell, units = with_database, [str(unit) for unit in range(40)]

    def arms(*arguments: str) -> list[str]:
        return [each["arm"] for each in shell.data("assign", *units, *arguments)]

    shell.write("agents", arms=weighted(0.5, 0.5))
    first = arms("--sticky", "1")
    shell.write("agents", arms=weighted(0.1, 0.9))
    moved = arms()

    assert moved != first
    assert arms("--sticky", "1") == first
    assert arms("--sticky", "2") == moved


@pytest.mark.slow
@pytest.mark.stack
def test_an_experiment_is_started_ramped_and_stopped_and_each_leaves_a_proof(
    with_database: Shell, database: DatabaseAddress
) -> None:
    """The database says what runs, the ledger says the same, and `assign` follows the ramp."""
    shell = with_database
    shell.write("agents", ramp=0.1)

    dry = shell.run("start", "agents", "--dry-run")
    before = shell.data("status")
    started = shell.run("start", "agents", "--confirm", "agents")
    running = shell.data("status")
    ramped = shell.run("ramp", "agents", "0.5", "--confirm", "agents")
    dry_stop = shell.run("stop", "agents", "--dry-run")
    assigned = shell.data("assign", *map(str, range(60)))
    with connect(database) as connection:
        rows = connection.execute("select name, ramp, ended_at is null from experiments").fetchall()
    stopped = shell.run("stop", "agents", "--why", "enough", "--confirm", "agents")
    after = shell.run("status")

    assert (dry.exit_code, "agents would start: four or six agents" in dry.stdout) == (0, True)
    assert [(each["state"], each["started_at"]) for each in before] == [("not started", None)]
    assert (started.exit_code, "agents runs: four or six agents\n  50 % control (control): diversity = 0.3\n" in started.stdout) == (0, True)  # fmt: skip
    assert [(each["state"], each["ramp"], each["units"]) for each in running] == [
        ("running", 0.1, {"control": 0, "changed": 0})
    ]
    assert (ramped.exit_code, ramped.stdout) == (0, "agents is at 50 % of the eligible units\n")
    assert (dry_stop.exit_code, "agents would end" in dry_stop.stdout) == (0, True)
    assert 15 < sum(each["arm"] is not None for each in assigned) < 45
    assert rows == [("agents", 0.5, True)]
    assert (stopped.exit_code, "agents has ended after" in stopped.stdout) == (0, True)
    assert (after.exit_code, "ended" in after.stdout) == (0, True)
    ledger = Ledger(shell.folder / ".opsctl" / "evidence", clock=SystemClock())
    kinds = [record.kind for record in ledger.records()]
    assert kinds == ["experiments.stop", "experiments.ramp", "experiments.start"]
    known = starts_of(ledger.records())["agents"]
    assert (known.experiment.ramp, known.is_running, known.digest) == (0.5, False, running[0]["digest"])
    assert ledger.verify().ok
    again = shell.run("start", "agents", "--confirm", "agents")
    assert (again.exit_code, "EXP021" in again.stderr) == (4, True)


@pytest.mark.slow
@pytest.mark.stack
def test_a_start_warns_of_what_nobody_has_ever_written(
    with_database: Shell, database: DatabaseAddress
) -> None:
    """On stderr and in JSON, before and after; not of what the service writes, nor of what is in the database already."""
    shell = with_database
    usual = SMALL["metrics"]["engaged"]
    metrics = {
        "engaged": usual,
        "asked": usual | {"events": ["asked_us"], "role": "secondary", "mde": None},
        "cost": usual | {"events": ["cost_of_feed"], "role": "secondary", "mde": None},
    }
    shell.write("agents", metrics=metrics)
    with connect(database) as connection:
        connection.execute(
            "insert into experiment_metrics (idempotency_key, metric, unit_id, value, observed_at)"
            " values ('1', 'cost_of_feed', '7', 0.1, now())"
        )
        connection.commit()

    linted = shell.run("lint")
    dry = shell.run("start", "agents", "--dry-run")
    started = shell.data("start", "agents", "--confirm", "agents")

    assert "`asked` counts `asked_us`, which the service does not write" in linted.stderr
    assert "warning: `asked` counts `asked_us`, which nobody has ever written" in dry.stderr
    assert "cost_of_feed" not in dry.stderr
    assert started["unwritten_events"] == {"asked": ["asked_us"]}


@pytest.mark.slow
@pytest.mark.stack
def test_a_book_that_was_changed_after_its_start_is_found_by_every_verb(with_database: Shell) -> None:
    """With the difference and its place; what runs stays as it was."""
    shell = with_database
    shell.write("agents")
    assert shell.run("start", "agents", "--confirm", "agents").exit_code == 0
    shell.write("agents", alpha=0.1, ramp=0.9)

    lint, start, status = (
        shell.run("lint"),
        shell.run("start", "agents", "--confirm", "agents"),
        shell.run("status"),
    )

    said = (
        "error[EXP020]: `alpha` was `0.05` at the start, now it is `0.1`\n  --> ops/experiments/agents.yaml:"
    )
    assert [outcome.exit_code for outcome in (lint, start, status)] == [1, 2, 1]
    assert all(said in outcome.stderr for outcome in (lint, start, status))
    assert "`ops/experiments/agents.yaml` was changed after `agents` had started" in start.stderr
    assert "running" in status.stdout
    (shell.books / "agents.yaml").unlink()
    gone = shell.run("status")
    assert (gone.exit_code, "warning[EXP019]: `agents` runs, and there is no book" in gone.stderr) == (
        0,
        True,
    )


@pytest.mark.slow
@pytest.mark.stack
def test_of_two_starts_at_once_one_is_refused(with_database: Shell) -> None:
    """Of one name, and of two that want the same units."""
    shell = with_database
    shell.write("agents")
    shell.write("rival")

    with ThreadPoolExecutor(4) as threads:
        names = ("agents", "agents", "rival", "rival")
        outcomes = list(threads.map(lambda name: shell.run("start", name, "--confirm", name), names))

    assert sorted(outcome.exit_code for outcome in outcomes) == [0, 4, 4, 4]
    told = {code for outcome in outcomes for code in ("EXP021", "EXP026", "EXP018") if code in outcome.stderr}
    assert told == {"EXP021", "EXP026", "EXP018"}
    ledger = Ledger(shell.folder / ".opsctl" / "evidence", clock=SystemClock())
    assert [record.kind for record in ledger.records()] == ["experiments.start"]


@pytest.mark.stack
def test_a_start_that_cannot_be_proven_does_not_happen(
    with_database: Shell, database: DatabaseAddress
) -> None:
    """The ledger's folder is a file: the database takes its row back."""
    shell = with_database
    shell.write("agents")
    (shell.folder / ".opsctl").mkdir(exist_ok=True)
    (shell.folder / ".opsctl" / "evidence").write_text("no folder")

    outcome = shell.run("start", "agents", "--confirm", "agents")

    assert outcome.exit_code == 3
    with connect(database) as connection:
        assert connection.execute("select count(*) from experiments").fetchone() == (0,)


@pytest.mark.slow
@pytest.mark.stack
def test_a_clock_that_went_back_is_told_and_nothing_is_concluded(
    with_database: Shell, database: DatabaseAddress
) -> None:
    """The start lies in the future; the experiment can be stopped all the same."""
    shell = with_database
    shell.write("agents")
    assert shell.run("start", "agents", "--confirm", "agents").exit_code == 0
    with connect(database) as connection:
        connection.execute("alter table experiments disable trigger user")
        connection.execute("update experiments set started_at = clock_timestamp() + interval '2 hours'")
        connection.execute("alter table experiments enable trigger user")

    status = shell.run("status")
    stop = shell.run("stop", "agents", "--confirm", "agents")

    assert (status.exit_code, "error[EXP025]: `agents` was started 1 h 59 min from now" in status.stderr) == (
        1,
        True,
    )
    assert "? of 14 d" in status.stdout
    assert (stop.exit_code, stop.stdout) == (0, "agents has ended after 0 ms\n")


@pytest.mark.slow
@pytest.mark.stack
def test_what_another_version_has_started_is_told_and_a_simulation_of_the_same_name_is_another_thing(
    with_database: Shell, database: DatabaseAddress
) -> None:
    """The status tells of it, and others are started beside it once it has ended."""
    shell = with_database
    shell.write("agents")
    insert = "insert into experiments (name, spec, digest, ramp, started_at, ended_at) values"
    with connect(database) as connection:
        connection.execute(f"{insert} ('old', '{{}}', repeat('0', 64), 1, now(), now())".encode())
    ledger = Ledger(shell.folder / ".opsctl" / "evidence", clock=SystemClock())
    simulated = start_now(
        _book(shell, "agents"), name="agents", at=datetime(2026, 1, 1, tzinfo=UTC), simulated=("readers",)
    )

    started = shell.run("start", "agents", "--confirm", "agents")
    ledger.append(start_evidence(simulated))
    shell.write("agents", alpha=0.2)
    status, lint = shell.run("status"), shell.run("lint")

    assert started.exit_code == 0
    assert "warning[EXP031]: experiment `old` cannot be read" in status.stderr
    assert "agents" in status.stdout
    assert (lint.exit_code, "EXP020" in lint.stderr) == (1, True)


@pytest.mark.slow
@pytest.mark.stack
def test_exposures_are_counted_by_arm(with_database: Shell, database: DatabaseAddress) -> None:
    """Each unit once an arm, and arms that the book does not know are shown."""
    shell = with_database
    shell.write("agents")
    assert shell.run("start", "agents", "--confirm", "agents").exit_code == 0
    with connect(database) as connection:
        connection.execute(
            "insert into experiment_exposures (idempotency_key, experiment, unit_id, variant, exposed_at)"
            " select e || '/' || n, 'agents', n::text, arm, now() from generate_series(1, 30) as n,"
            " (values ('a', 'control'), ('b', 'control'), ('c', 'stranger')) as v (e, arm)"
            " where arm = 'control' or n = 1"
        )

    (standing,) = shell.data("status")

    assert standing["units"] == {"control": 30, "changed": 0, "stranger": 1}
