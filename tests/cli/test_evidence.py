"""`opsctl evidence` as whole commands."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl

from opsctl.core.clock import SystemClock
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Evidence, Verdict


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project with two records."""
    ledger = Ledger(tmp_path / ".opsctl" / "evidence", clock=SystemClock())
    for subject, verdict in (("au_photographers", Verdict.PASS), ("gb_venues", Verdict.FAIL)):
        ledger.append(
            Evidence(
                kind="collections.rebuild",
                subject=subject,
                verdict=verdict,
                figures={"points": 805},
                inputs={},
                tools={"opsctl": "0.1.0"},
                started_at=datetime.now(UTC),
                duration_seconds=2.5,
            )
        )
    return tmp_path


def test_list_shows_the_newest_first(project: Path):
    """Number, kind, subject, verdict, age, and whether it still counts."""
    outcome = run_opsctl("evidence", "list", folder=project)
    rows = outcome.stdout.splitlines()

    assert outcome.exit_code == 0
    assert rows[1].split()[:5] == ["2", "collections.rebuild", "gb_venues", "✘", "fail"]
    assert rows[2].split()[:5] == ["1", "collections.rebuild", "au_photographers", "✔", "pass"]


def test_an_empty_ledger_says_what_to_do_next(tmp_path: Path):
    """The next step is in the message."""
    outcome = run_opsctl("evidence", "list", folder=tmp_path)

    assert outcome.exit_code == 0
    assert outcome.stdout == "no evidence yet\n"
    assert "opsctl collections rebuild" in outcome.stderr


def test_show_prints_one_record_by_its_number(project: Path):
    """All figures, inputs and hashes."""
    outcome = run_opsctl("evidence", "show", "1", "--json", folder=project)
    record = json.loads(outcome.stdout)["data"]

    assert outcome.exit_code == 0
    assert record["subject"] == "au_photographers"
    assert record["figures"] == {"points": 805}


def test_show_of_nothing_exits_with_a_hint(project: Path):
    """A wrong id is no traceback."""
    outcome = run_opsctl("evidence", "show", "nosuch", folder=project)

    assert outcome.exit_code == 2
    assert "opsctl evidence list" in outcome.stderr


def test_verify_finds_a_forged_verdict(project: Path):
    """Whoever turns a fail into a pass is found."""
    assert run_opsctl("evidence", "verify", folder=project).exit_code == 0
    path = project / ".opsctl" / "evidence" / "ledger.jsonl"
    path.write_text(path.read_text().replace('"verdict":"fail"', '"verdict":"pass"'))

    outcome = run_opsctl("evidence", "verify", folder=project)

    assert outcome.exit_code == 1
    assert "was changed" in outcome.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"verdict":"fail"', '"verdict":"pass"'),
        lambda _: "",
        lambda text: text.splitlines()[0] + "\n",
    ],
)
def test_a_list_from_a_damaged_ledger_says_so(project: Path, spoil):
    """A verdict that was turned, records that are gone: in one line, and the list is shown all the same."""
    path = project / ".opsctl" / "evidence" / "ledger.jsonl"
    path.write_text(spoil(path.read_text()))

    outcome = run_opsctl("evidence", "list", "--limit", "5", folder=project)

    assert outcome.exit_code == 0
    assert outcome.stderr.startswith("warning: the evidence ledger is damaged: ")
