"""`opsctl chaos` as whole commands: what needs no ground."""

import json
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl


@pytest.mark.slow
def test_the_shipped_drills_are_listed_with_what_they_may_cost(tmp_path: Path) -> None:
    """A project without drills of its own has those that ship."""
    shown = run_opsctl("chaos", "list", folder=tmp_path)
    listed = json.loads(run_opsctl("chaos", "list", "--profile", "ci", "--json", folder=tmp_path).stdout)
    assert shown.exit_code == 0
    assert "vectors_down" in shown.stdout
    assert {"vectors_down", "nothing", "without_protection"} <= {each["name"] for each in listed["data"]}
    assert all("ci" in each["tags"] and each["last_verdict"] is None for each in listed["data"])


def test_a_dry_run_shows_each_step_and_starts_nothing(tmp_path: Path) -> None:
    """No state folder is made."""
    shown = run_opsctl("chaos", "run", "vectors_down", "--dry-run", folder=tmp_path)
    assert shown.exit_code == 0
    assert "vectors_refused" in shown.stdout
    assert not (tmp_path / ".opsctl").exists()


@pytest.mark.slow
def test_what_is_to_be_held_must_be_said(tmp_path: Path) -> None:
    """Nobody breaks everything by leaving out a word."""
    nothing = run_opsctl("chaos", "run", folder=tmp_path)
    unknown = run_opsctl("chaos", "run", "vector_down", folder=tmp_path)
    assert (nothing.exit_code, unknown.exit_code) == (2, 2)
    assert "--profile ci" in nothing.stderr
    assert "CHA016" in unknown.stderr
    assert "did you mean `vectors_down`?" in unknown.stderr
    assert "tags are: ci, nightly" in run_opsctl("chaos", "list", "--profile", "cii", folder=tmp_path).stderr


def test_all_mistakes_of_all_drills_are_told_at_once(tmp_path: Path) -> None:
    """Each at its place, and nothing is started."""
    folder = tmp_path / "ops" / "drills"
    folder.mkdir(parents=True)
    (folder / "one.yaml").write_text("title: one\nmethod: []\n")
    (folder / "two.yaml").write_text("title: two\nmethod:\n  - {fault: vectors_downn, lasts: 10s}\n")
    told = run_opsctl("chaos", "run", "--all", folder=tmp_path)
    assert told.exit_code == 2
    assert "ops/drills/one.yaml" in told.stderr
    assert "did you mean `vectors_down`?" in told.stderr


def test_every_fault_is_listed_and_explained(tmp_path: Path) -> None:
    """Thirty and more."""
    listed = json.loads(run_opsctl("chaos", "faults", "--json", folder=tmp_path).stdout)["data"]
    explained = run_opsctl("explain", listed[-1]["code"], folder=tmp_path)
    assert len(listed) >= 50
    assert listed[-1]["name"] in explained.stdout


def test_the_budget_of_a_month_without_drills_is_whole(tmp_path: Path) -> None:
    """43,200 minutes, each of which may fail as far as the objective allows."""
    statement = json.loads(run_opsctl("chaos", "budget", "--json", folder=tmp_path).stdout)["data"]
    assert (statement["allowed"], statement["debits"]) == (43_200.0, [])
    assert run_opsctl("chaos", "budget", "--month", "2026-13", folder=tmp_path).exit_code == 2


def test_a_report_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    """Hold some."""
    told = run_opsctl("chaos", "report", folder=tmp_path)
    assert told.exit_code == 2
    assert "opsctl chaos run --profile ci" in told.stderr


def test_a_fault_by_hand_needs_a_ground_that_is_held(tmp_path: Path) -> None:
    """It is never made on the project's own stack."""
    told = run_opsctl("chaos", "fault", "apply", "vectors_refused", folder=tmp_path)
    assert told.exit_code == 3
    assert "opsctl chaos ground" in told.stderr


def test_a_drill_goes_to_the_chaos_toolkit_and_comes_back(tmp_path: Path) -> None:
    """The same faults for the same time."""
    exported = run_opsctl("chaos", "export", "vectors_down", folder=tmp_path).stdout
    (tmp_path / "experiment.json").write_text(exported)
    back = json.loads(run_opsctl("chaos", "import", "experiment.json", "--json", folder=tmp_path).stdout)
    assert back["data"]["drill"]["method"] == [{"fault": "vectors_refused", "lasts": "75s"}]


@pytest.mark.slow
def test_a_drill_that_waits_for_an_alert_that_no_rule_raises_is_refused(tmp_path: Path) -> None:
    """It would blame the service for a misspelt word; the shipped drills name only alerts that there are."""
    assert run_opsctl("init", folder=tmp_path).exit_code == 0
    good = run_opsctl("chaos", "run", "--all", "--dry-run", folder=tmp_path)
    book = tmp_path / "ops" / "drills" / "vectors_down.yaml"
    book.write_text(book.read_text().replace("name: vectors_unreachable", "name: vectors_unreachabel"))

    told = run_opsctl("chaos", "run", "vectors_down", "--dry-run", folder=tmp_path)

    assert (good.exit_code, told.exit_code) == (0, 2)
    assert "error[CHA019]" in told.stderr
    assert "did you mean `vectors_unreachable`?" in told.stderr


@pytest.mark.slow
def test_what_a_fault_is_given_by_hand_must_fit_it(tmp_path: Path) -> None:
    """Said before anything is made."""
    odd = run_opsctl(
        "chaos", "fault", "apply", "workers_killed", "--with", '{"how_many": "lots"}', folder=tmp_path
    )
    unknown = run_opsctl(
        "chaos", "fault", "apply", "workers_killed", "--with", '{"howmany": 1}', folder=tmp_path
    )
    never = run_opsctl("chaos", "fault", "apply", "workers_killed", "--for", "0s", folder=tmp_path)

    assert [each.exit_code for each in (odd, unknown, never)] == [2, 2, 2]
    assert "`how_many` of `workers_killed` is a whole number above zero, not 'lots'" in odd.stderr
    assert "takes no `howmany`" in unknown.stderr


@pytest.mark.parametrize(
    "words",
    [(), ("vectors_down", "--all"), ("vectors_down", "--profile", "ci"), ("--all", "--profile", "ci")],
)
def test_drills_are_chosen_in_one_way(tmp_path: Path, words: tuple[str, ...]) -> None:
    """`--all` beside a name would hold that one only, and look like all."""
    outcome = run_opsctl("chaos", "run", *words, "--dry-run", folder=tmp_path)

    assert outcome.exit_code == 2
    assert "in one way" in outcome.stderr


def test_a_folder_of_drills_that_is_none_is_no_reason_to_hold_others(tmp_path: Path) -> None:
    """Only a project without one has the shipped drills."""
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "drills").write_text("")

    outcome = run_opsctl("chaos", "list", folder=tmp_path)

    assert outcome.exit_code == 2
    assert "is no folder of drills" in outcome.stderr


def test_a_torn_line_of_the_budget_is_told_where_it_is_shown(tmp_path: Path) -> None:
    """What its drill did cost is not in the sum."""
    ledger = tmp_path / ".opsctl" / "chaos" / "budget.jsonl"
    ledger.parent.mkdir(parents=True)
    ledger.write_text('{"at": "2026-')

    outcome = run_opsctl("chaos", "budget", folder=tmp_path)
    odd = run_opsctl("chaos", "budget", "--month", "\u0662\u0660\u0662\u0666-01", folder=tmp_path)

    assert (outcome.exit_code, odd.exit_code) == (0, 2)
    assert "a last line that a crash cut off is not counted" in outcome.stderr


def test_names_of_an_experiment_are_shown_as_they_were_written(tmp_path: Path) -> None:
    """Brackets in them are no colours."""
    action = {"type": "action", "name": "[/b] [red]boom", "provider": {"type": "python"}}
    probe = {
        "type": "probe",
        "name": "up",
        "tolerance": 200,
        "provider": {"type": "http", "url": "http://127.0.0.1/"},
    }
    (tmp_path / "odd.json").write_text(json.dumps({"title": "odd", "method": [action, probe]}))

    outcome = run_opsctl("chaos", "import", "odd.json", folder=tmp_path)

    assert outcome.exit_code == 0
    assert "the action `[/b] [red]boom` runs python" in outcome.stderr
