"""`opsctl training`: an exercise is begun, looked at in vain, done, and in the ledger."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.command import Outcome, run_opsctl
from tests.scratch_project import init_project

from opsctl.cli.training_world import LocalWorld
from opsctl.store.api_keys import ApiKey
from opsctl.training.attempt import Attempt
from opsctl.training.book import Seen

ANNA = ("--as", "anna")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a new project once."""
    return init_project(tmp_path_factory.mktemp("made") / "school").root


@pytest.fixture
def school(made: Path, tmp_path: Path) -> Path:
    """Give each test a project of its own."""
    return Path(shutil.copytree(made, tmp_path / "school"))


def _check(school: Path, name: str, *more: str) -> Outcome:
    return run_opsctl("training", "check", name, *ANNA, *more, folder=school)


@pytest.mark.slow
def test_the_path_fits_a_terminal(school: Path):
    """Every exercise with the time that it takes, in 80 columns."""
    outcome = run_opsctl("training", "list", folder=school, environment={"COLUMNS": "80"})

    assert outcome.exit_code == 0
    names = [line.split()[0] for line in outcome.stdout.splitlines()]
    assert names[:3] == ["exercise", "reading_status", "first_alert"]
    assert max(len(line.rstrip()) for line in outcome.stdout.splitlines()) <= 80


@pytest.mark.slow
def test_an_exercise_from_its_start_to_the_ledger(school: Path):
    """Nothing done is not done, even with hints; the work is; and the record says who did it."""
    book = school / "ops" / "loads" / "training.yaml"

    begun = run_opsctl("training", "start", "broken_book", *ANNA, folder=school)
    untouched, hinted = _check(school, "broken_book"), _check(school, "broken_book", "--hint")
    wrong = book.read_text()
    found = run_opsctl("config", "check", folder=school)
    book.unlink()
    removed = _check(school, "broken_book")
    right = wrong.replace("minus ten", "10").replace("chek", "check").replace("poison", "poisson")
    book.write_text(right.replace("duration: 5}", "duration: 5s}"))
    done = _check(school, "broken_book")
    again = _check(school, "broken_book")

    assert begun.exit_code == 0
    assert "1. Find what is wrong" in begun.stdout
    assert [each.exit_code for each in (untouched, hinted, removed, done, again)] == [1, 1, 1, 0, 2]
    assert "✘ book right: not yet" in untouched.stdout
    assert "hint 1:" in hinted.stdout
    assert found.exit_code == 2
    assert found.stderr.count("training.yaml:") == 3, "as many mistakes at once as can be seen"
    assert "in the ledger" in done.stdout
    (record,) = json.loads(run_opsctl("evidence", "list", "--json", folder=school).stdout)["data"]
    assert (record["kind"], record["subject"], record["verdict"]) == (
        "training.exercise",
        "broken_book",
        "pass",
    )
    assert {name: record["figures"][name] for name in ("person", "hints", "checks_in_vain")} == {
        "person": "anna",
        "hints": 1,
        "checks_in_vain": 2,
    }
    (row,) = [
        each
        for each in json.loads(run_opsctl("training", "list", "--json", folder=school).stdout)["data"]
        if each["name"] == "broken_book"
    ]
    assert (row["done_by"], row["begun_by"]) == (["anna"], None)


@pytest.mark.slow
def test_when_all_hints_were_given_that_is_said(school: Path):
    """Rather than nothing; and who is at it is named where somebody begins once more."""
    run_opsctl("training", "start", "broken_book", *ANNA, folder=school)
    hints = [_check(school, "broken_book", "--hint") for _ in range(4)]
    twice = run_opsctl("training", "start", "broken_book", "--as", "bob", folder=school)

    assert "there are no more hints" in hints[-1].stderr
    assert "training check broken_book --as anna" in twice.stderr


def test_a_target_that_is_gone_is_told_by_more_than_one_alert(school: Path, monkeypatch: pytest.MonkeyPatch):
    """TargetDown fires for every part that Prometheus asks: who answers with it is right as well."""
    from opsctl.cli import training_preparing

    monkeypatch.chdir(school)

    assert training_preparing._alerts_of("vectors_down")[:1] == ["TargetDown"]
    assert "vectors_unreachable" in training_preparing._alerts_of("vectors_down")
    assert "no_traffic" not in training_preparing._alerts_of("vectors_down")


def test_a_book_of_yours_is_not_written_over(school: Path):
    """Though it has the name of the exercise's."""
    book = school / "ops" / "loads" / "training.yaml"
    book.write_text("title: mine\n")

    outcome = run_opsctl("training", "start", "broken_book", *ANNA, folder=school)

    assert (outcome.exit_code, book.read_text()) == (3, "title: mine\n")
    assert "TRN005" in outcome.stderr


def test_only_what_came_after_the_start_counts(school: Path):
    """A load of before, or one that was measured by nobody's stack, teaches nothing."""
    run_opsctl("training", "start", "load_report", *ANNA, folder=school)

    begun = run_opsctl("training", "start", "load_report", *ANNA, "--again", folder=school)
    outcome = _check(school, "load_report", "--answer", "p99=12")

    assert "training check load_report --as anna --answer p99=...; --hint" in begun.stderr
    assert outcome.exit_code == 1
    assert "nothing yet to hold the answer against" in outcome.stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("start", "alias_lst", *ANNA), 2, "TRN001"),
        (("start", "broken_book", "--as", "a\x1b[31m"), 2, "TRN006"),
        (("start", "broken_book", "--as", ""), 2, "TRN006"),
        (("check", "broken_book", *ANNA), 2, "TRN003"),
        (("start", "reading_status", *ANNA, "--confirm", "school"), 3, "TRN005"),
        (("start", "reading_status", *ANNA, "--dry-run"), 3, "TRN005"),
    ],
)
def test_what_cannot_be_says_why_and_what_to_do(
    school: Path, words: tuple[str, ...], exit_code: int, code: str
):
    """A misspelt name, a name that no list can show, nothing begun, no stack."""
    outcome = run_opsctl("training", *words, folder=school)

    assert (outcome.exit_code, outcome.stdout) == (exit_code, "")
    assert f"error[{code}]" in outcome.stderr
    assert "hint:" in outcome.stderr
    assert "did you mean `alias_lost`?" in outcome.stderr or code != "TRN001"


def test_servers_of_others_are_not_practised_on(school: Path):
    """Exit 4: refused."""
    (school / "opsctl.yaml").write_text("qdrant: {url: 'http://127.0.0.1:1'}\n")

    outcome = run_opsctl("training", "start", "alias_lost", *ANNA, "--confirm", "school", folder=school)

    assert (outcome.exit_code, outcome.stdout) == (4, "")
    assert "TRN002" in outcome.stderr


def test_one_at_a_time_and_not_for_another(school: Path):
    """Who has begun is named; `--again` begins anew."""
    run_opsctl("training", "start", "broken_book", *ANNA, folder=school)

    twice = run_opsctl("training", "start", "broken_book", *ANNA, folder=school)
    other = run_opsctl("training", "check", "broken_book", "--as", "bob", folder=school)
    again = run_opsctl("training", "start", "broken_book", "--as", "bob", "--again", folder=school)

    assert [each.exit_code for each in (twice, other, again)] == [2, 2, 0]
    assert "anna has begun" in twice.stderr
    assert "begun by anna, not by bob" in other.stderr


def test_a_start_that_was_killed_is_no_exercise(school: Path):
    """Nothing was broken yet, so what is asked for would be so without anybody's work."""
    run_opsctl("training", "start", "broken_book", *ANNA, folder=school)
    kept = school / ".opsctl" / "training" / "broken_book.json"
    kept.write_text(kept.read_text().replace('"is_prepared": true', '"is_prepared": false'))
    quick = (school / "ops/loads/quick.yaml").read_text()
    (school / "ops/loads/training.yaml").write_text(quick.replace("a first look", "a load for training"))

    killed = _check(school, "broken_book")

    assert killed.exit_code == 2
    assert "the start of `broken_book` did not come to its end" in killed.stderr
    assert "--again" in killed.stderr


def test_a_leaked_key_that_is_gone_was_not_revoked(monkeypatch: pytest.MonkeyPatch):
    """As after a reset of the database: nobody has learnt to revoke one."""
    at = datetime(2026, 11, 29, tzinfo=UTC)
    facts = {"prefix": "leaked", "scopes": ["feed:read"]}
    attempt = Attempt(
        exercise="leaked_key", digest="d", person="anna", started_at=at, sequence=0, facts=facts
    )
    key = ApiKey(
        prefix="leaked",
        hash=b"",
        name="n",
        plan="p",
        scopes=("feed:read",),
        created_at=at,
        expires_at=None,
        revoked_at=None,
        last_used_at=None,
    )
    found: list[bool] = []
    for keys in ([], [key], [replace(key, revoked_at=at)]):
        monkeypatch.setattr(LocalWorld, "_keys", lambda _self, keys=keys: keys)
        found.append(LocalWorld(attempt).is_so(Seen.KEY_REVOKED))

    assert found == [False, False, True]


@pytest.mark.slow
def test_an_answer_to_nothing_is_refused(school: Path):
    """And what could be answered is named."""
    run_opsctl("training", "start", "load_report", *ANNA, folder=school)

    for text in ("p99", "p50=3", "=3"):
        outcome = _check(school, "load_report", "--answer", text)
        assert (outcome.exit_code, outcome.stdout) == (2, "")
        assert "--answer p99=..." in outcome.stderr


@pytest.mark.slow
def test_a_ledger_that_was_edited_proves_nothing(school: Path):
    """Exit 5 where only that is open: it cannot be told, which is not done."""
    run_opsctl("training", "start", "broken_book", *ANNA, folder=school)
    book = school / "ops" / "loads" / "training.yaml"
    book.write_text(
        (school / "ops/loads/quick.yaml").read_text().replace("a first look", "a load for training")
    )
    assert _check(school, "broken_book").exit_code == 0
    run_opsctl("training", "start", "back_to_a_point", *ANNA, folder=school)
    ledger = school / ".opsctl" / "evidence" / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace("anna", "otto"))

    outcome = _check(school, "back_to_a_point")

    assert outcome.exit_code == 5
    assert "? evidence of dr.drill: unknown" in outcome.stdout
    assert "opsctl evidence verify" in outcome.stdout
