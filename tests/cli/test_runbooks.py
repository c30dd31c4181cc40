"""`opsctl runbooks` as a person and a CI job see it: checked, listed, shown, run."""

import doctest
import json
import re
import sys
from xml.etree import ElementTree as ET

import pytest
from tests.cli.command import run_opsctl
from tests.scratch_project import init_project
from tests.terminal import terminal

from opsctl.cli import command_tree
from opsctl.cli.runbook_running import exit_code
from opsctl.cli.runbooking import chosen_steps
from opsctl.core.errors import UsageError
from opsctl.runbooks.model import ASKED
from opsctl.runbooks.parse import parse_runbook
from opsctl.runbooks.run import Outcome, StepResult

LOOK = """# high_error_rate

Text.

## Diagnosis

1. Say where we are.

   ```sh
   echo "at $SERVICE_URL"; opsctl --version
   ```

2. Fail.

   ```sh
   ls not-there
   ```

3. Ask somebody who does not run.

   ```sh
   curl -s "$PROMETHEUS_URL"
   ```

## Mitigation

4. Make a file.

   ```sh
   # changes: makes a file
   touch made
   ```

5. Look again.

   ```sh
   ls made
   ```

## Over

The file is there.
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Make a project with the starter books, of which this module changes one runbook."""
    root = tmp_path_factory.mktemp("project")
    init_project(root)
    return root


@pytest.fixture
def look(project):
    """Put another runbook in the place of one, and bring the old one back."""
    path = project / "docs" / "runbooks" / "high_error_rate.md"
    before = path.read_text()
    path.write_text(LOOK)
    (project / "made").unlink(missing_ok=True)
    yield project
    path.write_text(before)


@pytest.mark.slow
def test_the_starter_runbooks_are_right(project):
    """As a new project gets them."""
    shown = run_opsctl("runbooks", "lint", folder=project)

    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.startswith("✔ ")
    assert "nothing found" in shown.stdout


@pytest.mark.slow
def test_findings_come_in_the_form_that_was_asked_for(look):
    """The same findings, and the same verdict."""
    text = run_opsctl("runbooks", "lint", folder=look)
    report = run_opsctl("runbooks", "lint", "--format", "junit", folder=look)

    assert (text.exit_code, report.exit_code) == (1, 1)
    assert "error[RBK003]: no heading Meaning and no heading Impact" in text.stderr
    assert {"RBK010", "RBK015"} <= set(re.findall(r"RBK\d+", text.stderr))
    failures = ET.fromstring(report.stdout).findall(".//failure")  # noqa: S314 - our own
    assert len(failures) == text.stderr.count("error[")


def test_the_list_names_every_runbook_and_counts_its_steps(look):
    """README.md is none."""
    rows = run_opsctl("runbooks", "list", folder=look).stdout.splitlines()[1:]
    data = json.loads(run_opsctl("runbooks", "list", "--json", folder=look).stdout)["data"]

    assert [row.split()[0] for row in rows] == [each["name"] for each in data]
    assert "README" not in [each["name"] for each in data]
    assert next(row.split() for row in rows if row.startswith("high_error_rate")) == [
        "high_error_rate",
        "5",
        "1",
    ]


def test_an_alert_of_an_objective_leads_to_its_runbook(project):
    """The name on the pager is that of the alert."""
    shown = run_opsctl("runbooks", "show", "availability_burn_fast", folder=project)

    assert (shown.exit_code, shown.stdout) == (0, (project / "docs/runbooks/availability.md").read_text())


@pytest.mark.slow
def test_a_loss_leads_to_its_runbook(project):
    """By the name of its book as well as by that of the page."""
    page = (project / "docs/runbooks/recover_both_lost.md").read_text()

    for name in ("both_lost", "recover_both_lost"):
        shown = run_opsctl("runbooks", "show", name, folder=project)
        assert (shown.exit_code, shown.stdout) == (0, page)


@pytest.mark.slow
def test_a_loss_without_its_runbook_and_a_runbook_without_its_loss_are_told(project):
    """A drill could do nothing, and nobody would be led to the page."""
    book, other = (project / "ops/recoveries" / f"{name}.yaml" for name in ("both_lost", "all_gone"))
    book.rename(other)
    try:
        shown = run_opsctl("runbooks", "lint", folder=project)
    finally:
        other.rename(book)

    assert shown.exit_code == 1
    assert "error[RBK001]: the loss all_gone has no runbook `recover_all_gone.md`" in shown.stderr
    assert "warning[RBK002]: no loss leads to `recover_both_lost.md`" in shown.stderr
    assert "error[RBK010]: does not lead to `recover_all_gone.md`" in shown.stderr


@pytest.mark.slow
def test_what_only_a_person_knows_is_asked_for_before_a_step_is_run(project):
    """Nothing that is started would give it."""
    words = ("runbooks", "run", "bad_migration", "--step", "3")

    without = run_opsctl(*words, folder=project)
    dry = run_opsctl(*words, "--dry-run", folder=project)

    assert (without.exit_code, dry.exit_code) == (3, 0)
    assert "step 3 not run: only you know $POINT; set it before: `export POINT=`" in without.stderr


def mitigations(project):
    """Yield every command by which a loss is mended, with the name of its runbook."""
    for path in sorted((project / "docs/runbooks").glob("recover_*.md")):
        for step in parse_runbook(path.stem, path.read_text(), file=str(path)).of_section("Mitigation"):
            yield path.stem, step


def test_what_mends_a_loss_runs_without_anybody_at_the_terminal(project):
    """As a drill runs it: nothing asks, nothing is chosen by hand, nothing only looks."""
    commands = list(mitigations(project))
    told = ASKED | {"DATABASE_URL", "PWD"}

    assert {name.removeprefix("recover_") for name, _ in commands} == {
        path.stem for path in (project / "ops/recoveries").glob("*.yaml")
    }
    for name, step in commands:
        assert step.changes is not None, (name, step.number)
        assert step.variables <= told, (name, step.number)
        assert "|| true" not in step.command, (name, step.number)
        assert ("--into live" in step.command) == ("--confirm" in step.command), (name, step.number)


def test_a_name_that_is_none_gets_the_nearest(project):
    """A typing mistake at night."""
    shown = run_opsctl("runbooks", "show", "hi_error_rate", folder=project)

    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "did you mean `high_error_rate`?" in shown.stderr


def test_a_step_runs_with_addresses_and_this_very_opsctl(look):
    """What it prints is the result; what is said about it stands on stderr."""
    shown = run_opsctl("runbooks", "run", "high_error_rate", "--step", "1", folder=look)

    assert shown.exit_code == 0
    assert shown.stdout.startswith("at http://127.0.0.1:")
    assert "opsctl" in shown.stdout
    assert "step 1" in shown.stderr
    assert "over when The file is there." in shown.stderr
    assert "--step 2" in shown.stderr


def test_a_round_runs_all_that_looks_and_ends_as_the_worst(look):
    """What fails or cannot be asked does not keep the rest from being run, and nothing is changed."""
    shown = run_opsctl("runbooks", "run", "high_error_rate", "--json", folder=look)

    document = json.loads(shown.stdout)
    outcomes = {each["step"]["number"]: each["outcome"] for each in document["data"]["steps"]}
    assert (shown.exit_code, document["ok"]) == (1, False)
    assert outcomes == {1: "done", 2: "failed", 3: "not ready", 5: "failed"}
    assert document["data"]["steps"][2]["needs"] == ["PROMETHEUS_URL"]
    assert "not-there" in document["data"]["steps"][1]["output"]
    assert document["data"]["next_step"] == 4
    assert "opsctl stack up --watch" in shown.stderr
    assert not (look / "made").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "code", "is_made"),
    [
        ("y\n", 0, True),
        ("well\nYES\n", 0, True),
        ("\n", 4, False),
        ("\x03", 130, False),
        ("\x04", 130, False),
    ],
)
def test_at_a_terminal_a_change_is_asked_for(look, keys, code, is_made):
    """Yes, also after an answer that was none; no; Ctrl-C and Ctrl-D."""
    words = ("-m", "opsctl", "runbooks", "run", "high_error_rate", "--step", "4")
    with terminal([sys.executable, *words], folder=look) as screen:
        screen.wait_for("Run it?")
        screen.press(keys)

        assert screen.wait() == code
    assert (look / "made").exists() == is_made


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], 0),
        ([Outcome.DONE, Outcome.SHOWN], 0),
        ([Outcome.DECLINED, Outcome.DONE], 4),
        ([Outcome.NOT_READY, Outcome.DECLINED], 3),
        ([Outcome.NOT_READY, Outcome.FAILED], 1),
    ],
)
def test_a_run_ends_as_its_worst_step(outcomes, code):
    """A step that needs what does not run is not one that failed."""
    (step, *_) = parse_runbook("x", LOOK, file="x.md").steps
    results = [StepResult(subject="x", step=step, outcome=outcome) for outcome in outcomes]

    assert exit_code(results) == code


@pytest.mark.slow
def test_a_change_is_refused_without_a_terminal_shown_dry_and_done_with_yes(look):
    """In this order at night."""
    words = ("runbooks", "run", "high_error_rate", "--step", "4")

    refused = run_opsctl(*words, folder=look)
    dry = run_opsctl(*words, "--dry-run", folder=look)
    assert (refused.exit_code, dry.exit_code) == (4, 0)
    assert "changes something: makes a file" in refused.stderr
    assert f"opsctl {' '.join(words)} --yes" in refused.stderr
    assert not (look / "made").exists()

    done = run_opsctl(*words, "--yes", folder=look)
    assert (done.exit_code, (look / "made").exists()) == (0, True)


def test_a_step_that_is_not_there_is_refused():
    """With the number of those that are."""
    book = parse_runbook("x", LOOK, file="x.md")

    with pytest.raises(UsageError) as refused:
        chosen_steps(book, 9)
    assert (refused.value.code, refused.value.fix) == ("RBK090", "it has 5: `opsctl runbooks show x`")
    assert [step.number for step in chosen_steps(book, None)] == [1, 2, 3, 5]


def test_a_project_without_runbooks_is_told_how_to_get_them(tmp_path):
    """No traceback for a folder that is not there."""
    (tmp_path / "opsctl.yaml").write_text("{}\n")

    shown = run_opsctl("runbooks", "list", folder=tmp_path)

    assert shown.exit_code == 2
    assert "error[RBK090]" in shown.stderr
    assert "opsctl alerts render" in shown.stderr


def test_the_examples_of_the_command_tree_hold():
    """They hold command lines against the real tree."""
    assert doctest.testmod(command_tree).failed == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("stack status", None),
        ("--project x stack logs service --lines 5", None),
        ("stack up --help", None),
        ("--help", None),
        ("stack", "`opsctl stack` needs a verb"),
        ("stock status", "there is no `opsctl stock`"),
        ("stack up vektors", "'vektors' is not one of 'postgres'"),
        ("stack up --wath", "No such option: --wath"),
        ("stack logs --lines", "requires an argument"),
        ("stack logs --lines 0", "0 is not in the range"),
        ("runbooks show", "`name` is missing"),
        ("runbooks show a b", "`b` is one argument too many"),
    ],
)
def test_a_command_line_is_held_against_the_tree(line, problem):
    """Without running anything of it."""
    found = command_tree.why_not(line.split())

    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("stack up", True),
        ("stack up --dry-run", False),
        ("stack down --help", False),
        ("security keys revoke abc", True),
        ("collections rollback x --yes", True),
        ("alerts render --check", False),
        ("stack status", False),
        ("runbooks list", False),
        ("no such verb", False),
    ],
)
def test_a_command_that_has_a_dry_run_changes_something(line, changes):
    """Unless it was told to only look."""
    assert command_tree.is_changing(line.split()) is changes
