"""`opsctl security audit` as an operator and a CI job see it: exit codes, outputs, the record, the book of waivers."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.command import Outcome, run_opsctl

from opsctl.core.clock import SystemClock
from opsctl.evidence.ledger import Ledger
from opsctl.evidence.model import Record, Verdict

WAIVER = """\
waivers:
  - code: SEC012
    state: unknown
    owner: Ada
    reason: the stack runs on another machine
    expires: {expires}
"""


KEY = "q7Rk2mVx" + "9TzL4bWc"


class Shell:
    """Runs the audit in a project of books."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *arguments: str, environment: dict[str, str] | None = None) -> Outcome:
        """Run one audit."""
        return run_opsctl("security", "audit", *arguments, folder=self.root, environment=environment)

    def data(self, *arguments: str) -> Any:
        """Run one audit and return its JSON document."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def records(self) -> list[Record]:
        """Return what it recorded, newest first."""
        return Ledger(self.root / ".opsctl" / "evidence", clock=SystemClock()).records(kind="security.audit")

    def waive(self, text: str) -> None:
        """Write the book of waivers."""
        (self.root / "ops").mkdir(exist_ok=True)
        (self.root / "ops" / "waivers.yaml").write_text(text)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give a project that has nothing but its settings."""
    (tmp_path / "opsctl.yaml").write_text("embedding:\n  dimension: 64\n")
    return Shell(tmp_path)


def test_what_passes_ends_with_zero_and_is_recorded(shell: Shell) -> None:
    """The record of a part has the codes as its subject."""
    outcome = shell.run("--only", "sec010", "--only", "SEC007")

    assert outcome.exit_code == 0, outcome.stderr
    assert "✔ SEC007" in outcome.stdout
    assert "2 checks: 2 passed" in outcome.stdout
    (record,) = shell.records()
    assert (record.subject, record.verdict) == ("SEC007 SEC010", Verdict.PASS)
    assert record.figures["counts"] == {"pass": 2, "fail": 0, "unknown": 0, "waived": 0}
    assert set(record.inputs) == {"opsctl.yaml"}


def test_what_fails_comes_first_with_how_to_mend_it(shell: Shell) -> None:
    """Exit 1, also when others could not tell; every line fits a terminal of 80 columns."""
    (shell.root / "opsctl.yaml").write_text("qdrant:\n  url: http://qdrant.example:6333\n")

    outcome = shell.run(
        "--only",
        "SEC010",
        "--only",
        "SEC012",
        "--only",
        "SEC007",
        environment={"OPSCTL_QDRANT_API_KEY": KEY},
    )

    assert outcome.exit_code == 1
    lines = outcome.stdout.splitlines()
    assert lines[0] == "✘ SEC010 encryption on every way out (high)"
    assert "         - `qdrant.url`: `http` is not encrypted; use `https`" in lines
    assert any(line.startswith("         mend: use https") for line in lines)
    assert lines.index("? SEC012 no open ports of the stack (high)") > 0
    assert "3 checks: 1 failed, 1 could not tell, 1 passed" in lines
    assert KEY not in outcome.stdout + outcome.stderr
    assert shell.records()[0].verdict is Verdict.FAIL


@pytest.mark.slow
def test_what_could_not_tell_ends_with_five_until_it_is_waived(shell: Shell) -> None:
    """The waiver is shown with its owner and its last day."""
    assert shell.run("--only", "SEC012").exit_code == 5

    shell.waive(WAIVER.format(expires="2027-05-01"))
    outcome = shell.run("--only", "SEC012")

    assert outcome.exit_code == 0, outcome.stderr
    assert "~ SEC012" in outcome.stdout
    assert "waived: the stack runs on another machine (Ada, until 2027-05-01)" in outcome.stdout


def test_a_waiver_that_ended_is_told_and_covers_nothing(shell: Shell) -> None:
    """On stderr, so that it is seen beside the result."""
    shell.waive(WAIVER.format(expires="2026-01-01"))

    outcome = shell.run("--only", "SEC012")

    assert outcome.exit_code == 5
    assert "the waiver of SEC012 (Ada) does not count: it ended on 2026-01-01" in outcome.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WAIVER.format(expires="soon"), "ops/waivers.yaml:6:14"),
        (WAIVER.replace("    owner: Ada\n", "").format(expires="2027-05-01"), "`waivers.0.owner` is missing"),
        (
            WAIVER.replace("SEC012", "SEC999").format(expires="2027-05-01"),
            "waives `SEC999`, which is no check",
        ),
        (WAIVER.replace("state", "stat").format(expires="2027-05-01"), "did you mean `state`?"),
        ("waivers: [\n", "FOLDER/ops/waivers.yaml"),
    ],
)
def test_a_wrong_book_of_waivers_is_refused_with_its_place(shell: Shell, text: str, said: str) -> None:
    """Nothing is asked, and nothing is recorded."""
    shell.waive(text)

    outcome = shell.run("--only", "SEC010")

    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert shell.records() == []


@pytest.mark.slow
def test_config_check_reads_the_waivers(shell: Shell) -> None:
    """As it does every other book."""
    shell.waive(WAIVER.format(expires="2027-05-01"))
    (shell.root / "ops" / "collections.yaml").write_text("source: {collection: content}\nderived: {}\n")

    checked = run_opsctl("config", "check", folder=shell.root)

    assert "ok  ops/waivers.yaml" in checked.stdout


def test_an_unknown_code_is_refused(shell: Shell) -> None:
    """With the nearest that there is."""
    outcome = shell.run("--only", "SEC01O")

    assert outcome.exit_code == 2
    assert "did you mean `SEC" in outcome.stderr


def test_the_list_of_checks_asks_none(shell: Shell) -> None:
    """Codes, what they look at, and the rows of the standards."""
    outcome = shell.run("--list")

    assert outcome.exit_code == 0
    assert max(len(line.rstrip()) for line in outcome.stdout.splitlines()) <= 80
    assert "SEC001" in outcome.stdout
    assert not (shell.root / ".opsctl").exists()
    assert shell.data("--list")["schema"] == "opsctl.security.checks/v1"


@pytest.mark.slow
def test_explain_prints_the_page_of_a_check(shell: Shell) -> None:
    """The docstring of its file."""
    outcome = run_opsctl("explain", "SEC004", folder=shell.root)

    assert outcome.exit_code == 0
    assert "a mirror that has no advisories" in outcome.stdout


def test_one_document_for_programs(shell: Shell) -> None:
    """The verdict, the figures of the record, and every trouble as a finding."""
    (shell.root / "opsctl.yaml").write_text("service:\n  host: 0.0.0.0\n")

    document = shell.data("--only", "SEC010")

    assert (document["schema"], document["ok"]) == ("opsctl.security.audit/v1", False)
    (row,) = document["data"]["checks"]
    assert (row["code"], row["state"], row["severity"]) == ("SEC010", "fail", "high")
    assert [each["place"] for each in row["troubles"]] == ["service.host"]
    assert [each["code"] for each in document["findings"]] == ["SEC010"]


def test_files_for_code_scanning_and_for_ci(shell: Shell) -> None:
    """Written beside the result; a place that cannot be written is refused before anything is asked."""
    outcome = shell.run("--only", "SEC012", "--sarif", "out/audit.sarif", "--junit", "out/audit.xml")

    assert outcome.exit_code == 5
    assert json.loads((shell.root / "out/audit.sarif").read_text())["version"] == "2.1.0"
    assert 'errors="1"' in (shell.root / "out/audit.xml").read_text()
    before = len(shell.records())
    assert shell.run("--only", "SEC012", "--sarif", "out").exit_code == 3
    assert len(shell.records()) == before


@pytest.mark.slow
def test_a_broken_ledger_hides_nothing_of_what_was_found(shell: Shell) -> None:
    """The audit is shown whole; then the command says why there is no record of it."""
    shell.run("--only", "SEC010")
    ledger = shell.root / ".opsctl/evidence/ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"verdict":"pass"', '"verdict":"fail"')[:-2] + "\n")

    outcome = shell.run("--only", "SEC013", "--only", "SEC010")

    assert outcome.exit_code == 1
    assert "✘ SEC013" in outcome.stdout
    assert "✔ SEC010" in outcome.stdout
    assert "EVD001" in outcome.stderr
