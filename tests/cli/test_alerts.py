"""`opsctl alerts` and `opsctl dashboards` as a person and a CI job see them, in a project of their own."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from tests.cli.command import run_opsctl
from tests.scratch_project import init_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a new project, whose books nobody changes."""
    return init_project(tmp_path_factory.mktemp("feed")).root


@pytest.fixture
def own_project(project: Path, tmp_path: Path) -> Path:
    """Give a copy whose books may be changed."""
    return Path(shutil.copytree(project, tmp_path / "own", ignore=shutil.ignore_patterns(".opsctl")))


def change_rule(project: Path, rule: str, **values: object) -> None:
    """Change values of a rule in the book of the ranking service."""
    path = project / "alerts" / "ranking.yaml"
    document = yaml.safe_load(path.read_text())
    document["rules"][rule].update(values)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


@pytest.mark.slow
def test_a_new_project_passes_its_checks(project: Path):
    """Nothing was proven there yet, which is said but is no failure."""
    outcome = run_opsctl("alerts", "lint", "--json", folder=project)
    shown = run_opsctl("alerts", "lint", folder=project)

    assert outcome.exit_code == 0, outcome.stderr
    assert shown.exit_code == 0
    findings = json.loads(outcome.stdout)["findings"]
    assert not [each for each in findings if each["severity"] == "error"]
    assert len([each for each in findings if each["code"] == "ALR041"]) > 20
    assert shown.stderr.count("warning[ALR041]") == 1
    assert f"{len(findings)} warnings" in shown.stdout
    assert run_opsctl("alerts", "lint", "--fail-on", "warning", folder=project).exit_code == 1


def test_a_mistake_in_a_book_is_shown_at_its_line_and_fails(own_project: Path):
    """A metric that nothing has, and what was probably meant."""
    change_rule(
        own_project, "high_error_rate", signal={"kind": "rate", "of": "ranking_request_total", "window": "1m"}
    )

    outcome = run_opsctl("alerts", "lint", folder=own_project)

    assert outcome.exit_code == 1
    text = outcome.stdout + outcome.stderr
    assert "alerts/ranking.yaml:" in text
    assert "ranking_requests_total" in text


@pytest.mark.parametrize(
    "text",
    [
        "rules: [",
        "service: ranking\nteam: feed\nrules: 7\n",
        "\x00",
        "",
        "service: ranking\nteam: feed\nrules: {a: {kind: Alert}}\n",
    ],
)
def test_a_book_that_is_none_is_refused_with_its_place(own_project: Path, text: str):
    """Every verb that reads it says so, and nothing is written."""
    (own_project / "alerts" / "broken.yaml").write_text(text)
    before = {path: path.read_bytes() for path in (own_project / "alerts").rglob("*") if path.is_file()}

    outcome = run_opsctl("alerts", "render", folder=own_project)

    assert outcome.exit_code == 2
    assert "alerts/broken.yaml" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert {
        path: path.read_bytes() for path in (own_project / "alerts").rglob("*") if path.is_file()
    } == before


@pytest.mark.slow
def test_render_writes_and_check_finds_what_is_not_rendered(own_project: Path):
    """As a CI job wants it."""
    assert run_opsctl("alerts", "render", folder=own_project).exit_code == 0
    assert run_opsctl("alerts", "render", "--check", folder=own_project).exit_code == 0
    change_rule(own_project, "high_error_rate", above=0.02)

    assert run_opsctl("alerts", "render", "--check", folder=own_project).exit_code == 1
    assert run_opsctl("alerts", "render", folder=own_project).exit_code == 0
    assert run_opsctl("alerts", "render", "--check", folder=own_project).exit_code == 0


def test_alerts_can_be_listed(project: Path):
    """With when each is predicted to come, and whether that was ever seen."""
    outcome = run_opsctl("alerts", "list", "--json", folder=project)

    assert outcome.exit_code == 0
    names = {each["name"] for each in json.loads(outcome.stdout)["data"]}
    assert {"high_error_rate", "slow_feed_generation", "quality_drift"} <= names


def test_a_proof_says_beforehand_what_it_would_do(project: Path):
    """Faults, in which order, and how long it takes; nothing is started."""
    outcome = run_opsctl("alerts", "prove", "high_error_rate", "--dry-run", folder=project)

    assert outcome.exit_code == 0, outcome.stderr
    assert "start_without_database" in outcome.stdout
    assert not (project / ".opsctl" / "proving").exists()


def test_proving_an_alert_that_is_not_there_names_one_that_is(project: Path):
    """By its spelling."""
    outcome = run_opsctl("alerts", "prove", "high_eror_rate", folder=project)

    assert outcome.exit_code == 2
    assert "high_error_rate" in outcome.stderr


@pytest.mark.slow
def test_dashboards_are_checked_and_rendered(own_project: Path):
    """A panel that lost its description is found, and the JSON is made anew."""
    assert run_opsctl("dashboards", "lint", folder=own_project).exit_code == 0
    assert run_opsctl("dashboards", "render", folder=own_project).exit_code == 0
    assert run_opsctl("dashboards", "render", "--check", folder=own_project).exit_code == 0
    path = own_project / "dashboards" / "system.yaml"
    path.write_text(path.read_text().replace("title:", "title: Other:", 1).replace("Other:", "Other", 1))

    assert run_opsctl("dashboards", "render", "--check", folder=own_project).exit_code == 1


@pytest.mark.slow
def test_status_without_a_service_says_how_to_start_one(project: Path):
    """Exit code 3: not ready."""
    outcome = run_opsctl("status", folder=project)

    assert outcome.exit_code == 3
    assert "opsctl stack up" in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("verb", ["lint", "list"])
def test_a_damaged_ledger_is_told_beside_what_rests_on_it(own_project: Path, verb: str):
    """Else every alert would seem unproven, for no reason."""
    folder = own_project / ".opsctl" / "evidence"
    folder.mkdir(parents=True)
    (folder / "ledger.jsonl").write_text("garbage\n")

    outcome = run_opsctl("alerts", verb, folder=own_project)

    assert outcome.exit_code == 0
    assert "warning: the evidence ledger is damaged: " in outcome.stderr


def test_a_folder_for_temporary_files_that_is_none_is_no_failure_of_the_rules(own_project: Path):
    """Promtool keeps its data there; nothing was tested, so nothing is recorded."""
    outcome = run_opsctl(
        "alerts", "test", "high_error_rate", folder=own_project, environment={"TMPDIR": "/nonexistent"}
    )

    assert outcome.exit_code == 3
    assert not (own_project / ".opsctl" / "evidence").exists()


def test_missing_tools_are_named_at_once_with_what_to_install(own_project: Path, tmp_path: Path):
    """Before anything that takes minutes; what can be said without them is said."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()

    outcome = run_opsctl("alerts", "test", folder=own_project, environment={"PATH": str(nothing)})

    assert outcome.exit_code == 3
    assert "promtool and amtool are missing, so nothing was tested" in outcome.stderr
    assert "expressions parse" in outcome.stderr
    assert "hint: install: apt-get install prometheus prometheus-alertmanager" in outcome.stderr


def test_an_amtool_older_than_a_key_of_the_routes_is_no_failure_of_theirs(own_project: Path, tmp_path: Path):
    """Exit 5: it could not say where alerts go; that the rules are right was seen all the same."""
    book = own_project / "alerts" / "delivery.yaml"
    document = yaml.safe_load(book.read_text())
    document["receivers"]["hook"] = {"kind": "webhook", "url_file": "secrets/hook"}
    book.write_text(yaml.safe_dump(document, sort_keys=False))
    tools = tmp_path / "tools"
    tools.mkdir()
    answers = {"promtool": "promtool, version 2.42.0", "amtool": "amtool, version 0.25.0"}
    for name, version in answers.items():
        (tools / name).write_text(f"#!/bin/sh\necho '{version}'\n")
        (tools / name).chmod(0o755)

    outcome = run_opsctl(
        "alerts", "test", "quality_drift", folder=own_project, environment={"PATH": str(tools)}
    )
    (record,) = json.loads(run_opsctl("evidence", "list", "--json", folder=own_project).stdout)["data"]

    assert outcome.exit_code == 5, outcome.stderr
    assert "warning[ALR063]: amtool 0.25.0 does not know `url_file`" in outcome.stderr
    assert "hint: install Alertmanager 0.26 or newer" in outcome.stderr
    assert "? 1 alerts" in outcome.stdout
    assert "0 failures" in outcome.stdout
    assert (record["verdict"], record["figures"]["failures"]) == ("inconclusive", 0)


def test_nan_is_no_least_score(own_project: Path):
    """Nothing is below it."""
    outcome = run_opsctl("alerts", "test", "--min-mutation-score", "nan", folder=own_project)

    assert outcome.exit_code == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_only_cases_that_ran_are_counted(own_project: Path):
    """Promtool refuses all rules where one does not parse."""
    change_rule(
        own_project,
        "high_error_rate",
        signal={
            "kind": "query",
            "expr": "up +",
            "firing": [{"series": "up", "values": "1"}],
            "quiet": [{"series": "up", "values": "0"}],
        },
    )

    outcome = run_opsctl("alerts", "test", "quality_drift", folder=own_project)

    assert outcome.exit_code == 1
    assert "0 cases" in outcome.stdout


@pytest.mark.parametrize("noun", ["alerts", "dashboards"])
@pytest.mark.parametrize("out", ["", ".", "alerts", "docs"])
def test_a_render_into_the_wrong_folder_is_refused(own_project: Path, noun: str, out: str):
    """Everything in it stays."""
    before = {path: path.read_bytes() for path in own_project.rglob("*") if path.is_file()}

    outcome = run_opsctl(noun, "render", "--out", out, folder=own_project)

    assert outcome.exit_code == 4
    assert {
        path: path.read_bytes()
        for path in own_project.rglob("*")
        if path.is_file() and ".opsctl" not in path.parts
    } == before


@pytest.mark.slow
def test_what_was_removed_is_counted_apart_from_what_was_written(own_project: Path):
    """One book less."""
    assert run_opsctl("dashboards", "render", folder=own_project).exit_code == 0
    (own_project / "dashboards" / "drills.yaml").unlink()

    outcome = run_opsctl("dashboards", "render", folder=own_project)

    assert "1 of 9 files written to dashboards/rendered, 1 of an earlier render removed" in outcome.stdout
