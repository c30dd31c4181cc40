"""`opsctl experiments replay` as a person runs it: on ratings, on a real bandit's log, and on files that cannot be replayed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Outcome, run_opsctl
from tests.experiments.learners.logs import CLICK_NAMES, RATING_NAMES, clicks, ratings, write

from opsctl.core.clock import SystemClock
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Verdict

OPEN_BANDIT = Path(__file__).parents[2] / "data" / "open_bandit" / "random_men.csv.gz"


def _run(folder: Path, *arguments: str) -> Outcome:
    return run_opsctl("experiments", "replay", *arguments, folder=folder)


def _data(folder: Path, *arguments: str, exit_code: int = 0) -> Any:
    outcome = _run(folder, *arguments, "--json")
    assert outcome.exit_code == exit_code, outcome.stderr
    return json.loads(outcome.stdout)


def test_ratings_are_replayed_and_recorded(tmp_path: Path) -> None:
    """A table that says what it is, and evidence with the digest of the file."""
    write(tmp_path / "ratings.csv", RATING_NAMES, ratings(8000))

    outcome = _run(
        tmp_path, "ratings.csv", "--policy", "random", "--policy", "linear_ts", "--candidates", "5"
    )

    assert outcome.exit_code == 0, outcome.stderr
    assert "a real log, replayed by rejection; 6,400 rows, 60 items" in outcome.stdout
    assert "linear_ts" in outcome.stdout
    assert "What nobody rated cannot count" in outcome.stdout
    (record,) = Ledger(tmp_path / ".opsctl" / "evidence", clock=SystemClock()).records(
        kind="experiments.replay"
    )
    assert (record.subject, record.verdict) == ("ratings.csv", Verdict.PASS)
    assert record.figures["is"] == "a real log, replayed"
    assert record.figures["policies"]["linear_ts"]["low"] > record.figures["policies"]["random"]["high"]
    assert len(record.inputs["log"]) == 64


@pytest.mark.slow
def test_a_document_has_curves(tmp_path: Path) -> None:
    """Of a file whose columns have names of their own, and no line of names."""
    write(tmp_path / "log.tsv", (), ratings(3000), delimiter="\t")
    asked = (
        "log.tsv",
        "--header",
        "who,what,stars,when",
        "--user",
        "who",
        "--item",
        "what",
        "--rating",
        "stars",
    )

    document = _data(tmp_path, *asked, "--time", "when", "--candidates", "4", "--policy", "beta_ts")

    (policy,) = document["data"]["policies"]
    assert document["schema"] == "opsctl.experiments.replay/v1"
    assert document["data"]["is"] == "a real log, replayed"
    assert policy["curve"][-1]["rows"] == document["data"]["rows"]
    assert policy["curve"][-1]["reward"] == policy["value"]


@pytest.mark.slow
def test_the_open_bandit_log_is_weighed(tmp_path: Path) -> None:
    """The random policy is worth what the log earned; of the greedy one hardly anything can be said, and that is the exit code."""
    shutil.copy(OPEN_BANDIT, tmp_path / "random_men.csv.gz")

    document = _data(
        tmp_path,
        "random_men.csv.gz",
        "--policy",
        "random",
        "--policy",
        "greedy",
        exit_code=5,
    )

    assert not document["ok"]
    found = {each["policy"]: each for each in document["data"]["policies"]}
    assert document["data"]["method"] == "weights"
    assert found["random"]["value"] == pytest.approx(document["data"]["logged_value"])
    assert found["random"]["effective"] == pytest.approx(8000)
    assert found["random"]["low"] < found["random"]["value"] < found["random"]["high"]
    assert found["greedy"]["low"] is None
    assert set(found["greedy"]["estimates"]) == {"ips", "snips", "dm", "dr", "ips_clipped", "dr_clipped"}


@pytest.mark.slow
def test_what_cannot_be_said_is_said(tmp_path: Path) -> None:
    """Exit code 5 and a hint, for a short log."""
    write(tmp_path / "clicks.csv", CLICK_NAMES, clicks(160, even=False))

    outcome = _run(tmp_path, "clicks.csv", "--policy", "greedy", "--learn-every", "50")

    assert outcome.exit_code == 5
    assert "greedy: too little to say anything" in outcome.stdout
    assert "hint:" in outcome.stderr + outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nothing.csv",), "FIL004", "`nothing.csv` is not a file"),
        (("ratings.csv", "--item", "film"), "EXP107", "there is no column `film`"),
        (("ratings.csv", "--method", "weights"), "EXP112", "no propensities"),
        (("ratings.csv", "--early", "nan"), "Invalid value", "a share of the rows"),
        (("bad.csv",), "EXP108", "`` in column `rating` of row 5 is no number"),
    ],
)
def test_what_cannot_be_replayed_is_refused_before_anything_is_done(
    tmp_path: Path, arguments, code: str, message: str
) -> None:
    """Exit code 2, what is wrong and what to do; nothing goes into the ledger."""
    columns = ratings(200)
    write(tmp_path / "ratings.csv", RATING_NAMES, columns)
    columns[2][4] = ""
    write(tmp_path / "bad.csv", RATING_NAMES, columns)

    outcome = _run(tmp_path, *arguments)

    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert message in outcome.stderr
    assert code in outcome.stderr
    assert not (tmp_path / ".opsctl").exists()
