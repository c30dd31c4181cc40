"""Whole commands of `opsctl checklist`, in a project whose evidence costs nothing to make."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.command import Outcome, run_opsctl
from tests.clients.test_git import git
from tests.scratch_project import free_port
from typer.main import get_command

from opsctl.cli import wiring
from opsctl.cli.app import app
from opsctl.core.errors import OpsError

BOOK: dict[str, Any] = {
    "accounts": {
        "ann": {"name": "Ann", "role": "lead"},
        "bob": {"name": "Bob", "role": "operations"},
    },
    "waivers": {"roles": ["lead"]},
    "items": {
        "CHK001": {
            "name": "looked",
            "title": "Somebody looked",
            "why": "The cheapest evidence there is.",
            "all": [
                {"kind": "checklist.routine", "subject": "daily", "refresh": "look", "same_commit": True}
            ],
        },
        "CHK002": {"name": "people", "title": "People agree", "why": "w", "sign": {"roles": ["operations"]}},
    },
    "commands": {"look": {"run": ["checklist", "routine", "daily", "--done", "--as", "ann"]}},
    "routines": {
        "daily": {
            "title": "Metrics",
            "roles": ["lead"],
            "every": "1d",
            "steps": [{"look": "Is the ledger whole?", "run": ["evidence", "verify"]}],
        }
    },
}


class Place:
    """A project in git."""

    def __init__(self, root: Path) -> None:
        self.root = root
        git(root, "init", "--quiet")
        (root / ".gitignore").write_text(".opsctl/\n.config/\n")
        (root / "opsctl.yaml").write_text("{}\n")
        self.write(BOOK)

    def write(self, book: dict[str, Any]) -> None:
        """Write and commit a book."""
        (self.root / "ops").mkdir(exist_ok=True)
        (self.root / "ops" / "checklist.yaml").write_text(yaml.safe_dump(book, sort_keys=False))
        git(self.root, "add", ".")
        git(self.root, "commit", "--quiet", "--allow-empty", "-m", "book")

    def run(self, *words: str) -> Outcome:
        """Run a command of the checklist."""
        return run_opsctl("checklist", *words, folder=self.root)

    def refusal(self, *words: str) -> tuple[int, str]:
        """Return exit code and code of the error with which a command ends, run in this process: that is faster."""
        wiring.change_project(self.root)
        with pytest.raises(OpsError) as caught:
            get_command(app).main(args=["checklist", *words], standalone_mode=False)
        return int(caught.value.exit_code), caught.value.code

    def states(self, *words: str) -> dict[str, str]:
        """Return the state of each item by name."""
        document = json.loads(self.run("run", "--json", *words).stdout)
        return {item["name"]: item["state"] for item in document["data"]["items"]}

    def kinds(self) -> list[str]:
        """Return what the ledger holds, the oldest first."""
        path = self.root / ".opsctl" / "evidence" / "ledger.jsonl"
        return [json.loads(line)["kind"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give a project."""
    return Place(tmp_path)


def test_what_nobody_has_shown_is_unknown(place: Place):
    """Exit 5, and the next command for each."""
    outcome = place.run("run")

    assert outcome.exit_code == 5
    assert "next: opsctl checklist routine daily --done --as ann" in outcome.stdout
    assert "next: opsctl checklist sign people --as bob" in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "? cannot tell: 2 unknown"
    assert all(len(line.rstrip()) <= 80 for line in outcome.stdout.splitlines())
    assert place.kinds() == ["checklist.run"]


def test_a_part_of_the_list_is_told_as_a_part(place: Place):
    """So that nobody reads its last line as the verdict of all."""
    outcome = place.run("run", "--only", "people")

    assert outcome.stdout.splitlines()[-1] == "? cannot tell: 1 unknown; only 1 of 2 items were asked for"


@pytest.mark.slow
def test_a_refresh_makes_what_is_missing_once(place: Place):
    """And what has fresh evidence is not made again."""
    plan = json.loads(place.run("run", "--refresh", "--dry-run", "--json").stdout)["data"]
    assert [each["name"] for each in plan["commands"]] == ["look"]
    assert plan["nobody"] == ["CHK002"]
    assert place.kinds() == []

    first = place.run("run", "--refresh")
    second = place.run("run", "--refresh")

    assert (first.exit_code, second.exit_code) == (5, 5)
    assert "1 of 1 commands ended well" in first.stderr
    assert "nothing was to be run" in second.stderr
    assert place.kinds() == ["checklist.routine", "checklist.run", "checklist.run"]
    assert place.states() == {"looked": "pass", "people": "unknown"}


@pytest.mark.slow
def test_signed_and_shown_it_is_ready(place: Place):
    """Exit 0 by everything together, with all its files; another commit makes it stale."""
    place.run("routine", "daily", "--done", "--as", "ann")
    signed = place.run("sign", "people", "--as", "bob", "--note", "all four of us")
    files = ("--html", "c.html", "--junit", "c.xml", "--markdown", "c.md")

    ready = place.run("run", *files)

    assert signed.exit_code == 0
    assert "signed by Bob (operations) until" in signed.stdout
    assert (ready.exit_code, ready.stdout.splitlines()[-1]) == (0, "✔ ready: 2 pass")
    assert "all four of us" in ready.stdout
    assert all((place.root / name).read_text() for name in ("c.html", "c.xml", "c.md"))
    assert run_opsctl("report", "build", folder=place.root).stdout.startswith("Ready: 2 passed of 2\n")
    place.write(BOOK)
    built = run_opsctl("report", "build", folder=place.root).stdout
    assert built.startswith("Not ready: 2 stale of 2\n")  # though the newest run of the checklist passed
    assert place.states() == {"looked": "stale", "people": "stale"}
    assert place.run("run").exit_code == 1


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("sign", "people", "--as", "ann"), 4, "CHK104"),
        (("sign", "people", "--as", "eve"), 2, "CHK103"),
        (("sign", "poeple", "--as", "bob"), 2, "CHK102"),
        (("sign", "looked", "--as", "ann"), 2, "CHK105"),
        (("sign", "people", "--as", "bob", "--expires", "91d"), 2, "CHK106"),
        (("sign", "people", "--as", "bob", "--expires", "soon"), 2, "CHK106"),
        (("sign", "people", "--as", "bob", "--note", "a\x1b[2J"), 2, "CHK111"),
        (("waive", "people", "--as", "bob", "--reason", "r", "--expires", "1d"), 4, "CHK104"),
        (("waive", "people", "--as", "ann", "--reason", " ", "--expires", "1d"), 2, "CHK111"),
        (("waive", "people", "--as", "ann", "--reason", "r", "--expires", "91d"), 2, "CHK106"),
        (("waive", "people", "--as", "ann", "--reason", "r", "--expires", "0s"), 2, "CHK106"),
        (("waive", "people", "--as", "ann", "--reason", "r", "--withdraw"), 2, "CHK113"),
        (("waive", "people", "--as", "bob", "--reason", "r", "--withdraw"), 4, "CHK104"),
        (("sign", "people", "--as", "bob", "--withdraw"), 2, "CHK113"),
        (("routine", "yearly"), 2, "CHK110"),
        (("routine", "daily", "--done", "--as", "bob"), 4, "CHK104"),
        (("run", "--only", "poeple"), 2, "CHK102"),
    ],
)
def test_what_may_not_be_said_is_refused_and_leaves_nothing(
    place: Place, words: tuple[str, ...], exit_code: int, code: str
):
    """Each with the code that says more, and the ledger as it was."""
    assert place.refusal(*words) == (exit_code, code)
    assert place.kinds() == []


def test_changes_that_are_not_committed_are_not_signed(place: Place):
    """Nobody could tell later what was."""
    (place.root / "opsctl.yaml").write_text("# changed\n{}\n")

    assert place.refusal("sign", "people", "--as", "bob") == (4, "CHK107")


def test_a_waiver_is_shown_and_counts_for_the_exit_code(place: Place):
    """With who, why, and what it hides; a dry run records nothing."""
    waiver = ("waive", "people", "--as", "ann", "--reason", "after the launch", "--expires", "30d")
    place.run("routine", "daily", "--done", "--as", "ann")

    dry = place.run(*waiver, "--dry-run")
    before = place.kinds()
    place.run(*waiver)
    outcome = place.run("run")

    assert "nothing was recorded" in dry.stdout
    assert before == ["checklist.routine"]
    assert outcome.exit_code == 0
    assert "waived by ann for 29 d more: after the launch" in outcome.stdout
    assert "else unknown: a signature is missing, of operations" in outcome.stdout


@pytest.mark.slow
def test_what_was_signed_or_waived_can_be_withdrawn(place: Place):
    """At once, once, and with nothing taken out of the ledger."""
    waive = ("waive", "looked", "--as", "ann", "--reason", "later")
    place.run(*waive, "--expires", "30d")
    place.run("sign", "people", "--as", "bob")
    before = place.states()

    unwaived = place.run(*waive, "--withdraw")
    place.run("sign", "people", "--as", "bob", "--note", "a slip", "--withdraw")

    assert before == {"looked": "waived", "people": "pass"}
    assert unwaived.stdout.splitlines()[0] == "CHK001 looked is waived no more: withdrawn by Ann (lead)"
    assert place.states() == {"looked": "unknown", "people": "stale"}
    assert place.refusal(*waive, "--withdraw") == (2, "CHK113")
    assert place.kinds().count("checklist.waive") == 2


@pytest.mark.parametrize("times", [(), ("--expires", "3d", "--withdraw")])
def test_a_waiver_needs_an_end_and_a_withdrawal_has_none(place: Place, times: tuple[str, ...]):
    """Wrong usage is told before anything is recorded."""
    outcome = place.run("waive", "people", "--as", "ann", "--reason", "r", *times)

    assert outcome.exit_code == 2
    assert "--expires" in outcome.stderr
    assert place.kinds() == []


def test_on_a_broken_chain_nothing_passes(place: Place):
    """Proofs that can be edited prove nothing: exit 1, and nobody can sign on top of it."""
    place.run("routine", "daily", "--done", "--as", "ann")
    path = place.root / ".opsctl" / "evidence" / "ledger.jsonl"
    path.write_text(path.read_text().replace('"steps":1', '"steps":2'))
    before = path.read_text()

    outcome = place.run("run", "--json")

    assert outcome.exit_code == 1
    assert json.loads(outcome.stdout)["findings"][-1]["code"] == "CHK101"
    for words in (("run", "--refresh"), ("sign", "people", "--as", "bob"), ("routine", "daily")):
        assert place.refusal(*words) == (1, "CHK101")
    assert path.read_text() == before


@pytest.mark.slow
def test_a_book_that_checks_nothing_is_refused_at_its_place(place: Place):
    """By `config check`, too."""
    shipped = Path(__file__).parents[2] / "ops" / "collections.yaml"
    (place.root / "ops" / "collections.yaml").write_text(shipped.read_text())
    place.write(BOOK | {"items": {"CHK001": {"name": "a", "title": "A", "why": "w"}}})

    outcomes = (place.run("run"), run_opsctl("config", "check", folder=place.root))

    for outcome in outcomes:
        assert outcome.exit_code == 2
        assert "`items.CHK001`: nothing checks it" in outcome.stderr
        assert "ops/checklist.yaml:" in outcome.stderr


def test_without_a_book_it_is_told_where_one_comes_from(tmp_path: Path):
    """`opsctl init` writes one."""
    outcome = run_opsctl("checklist", "run", folder=tmp_path)

    assert (outcome.exit_code, "error[CHK112]" in outcome.stderr) == (2, True)
    assert "opsctl init" in outcome.stderr


@pytest.mark.slow
def test_a_routine_is_shown_run_and_done(place: Place):
    """Who did it, what they found, and how its commands ended, stand in the ledger."""
    due = place.run("routine", "daily", "--run")
    done = place.run("routine", "daily", "--run", "--done", "--as", "ann", "--note", "all quiet")
    listed = json.loads(place.run("routine", "--json").stdout)["data"]

    assert (due.exit_code, "! due" in due.stdout) == (0, True)
    assert "the chain is whole" in due.stderr
    assert "✔ done" in done.stdout
    assert [(each["name"], each["due"], each["last"]["note"]) for each in listed] == [
        ("daily", "done", "all quiet")
    ]
    assert place.kinds() == ["checklist.routine"]


@pytest.mark.slow
def test_a_command_that_fails_names_its_output_and_does_not_end_the_others(place: Place):
    """One too slow is ended."""
    query = {"kind": "bench.load", "subject": "x"}
    items = {
        "CHK003": {"name": "wrong", "title": "W", "why": "w", "all": [query | {"refresh": "wrong"}]},
        "CHK004": {"name": "slow", "title": "S", "why": "w", "all": [query | {"refresh": "slow"}]},
    }
    commands = {
        "wrong": {"run": ["stack", "sideways"]},
        "slow": {
            "run": ["metrics", "export", "--family", "evidence", "--port", str(free_port())],
            "limit": "2s",
        },
    }
    place.write(BOOK | {"items": items | BOOK["items"], "commands": commands | BOOK["commands"]})

    outcome = place.run("run", "--refresh")

    assert "wrong: failed; its output: FOLDER/.opsctl/checklist/logs/wrong.log" in outcome.stderr
    assert "slow: too long; it was ended after 2 s" in outcome.stderr
    assert "No such command" in (place.root / ".opsctl/checklist/logs/wrong.log").read_text()
    assert place.states()["looked"] == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"{", b'{"look": NaN, "x": 1e999}'])
def test_a_journal_that_is_damaged_is_put_aside_and_the_refresh_begins_anew(place: Place, damage: bytes):
    """Also one that is not even text, as a full disk leaves it; so with the times that commands took before."""
    kept = place.root / ".opsctl/checklist"
    kept.mkdir(parents=True)
    for name in ("refresh.json", "times.json"):
        (kept / name).write_bytes(damage)

    outcome = place.run("run", "--refresh")

    assert "1 of 1 commands ended well" in outcome.stderr
    assert "CHK109" in outcome.stderr
    assert (kept / "refresh.unreadable").read_bytes() == damage
    assert 0 < json.loads((kept / "times.json").read_text())["look"] < 60


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_and_two_at_once_are_refused(place: Place):
    """What had ended is not run again, and what was running is ended with it."""
    query = {"kind": "bench.load", "subject": "x", "refresh": "slow"}
    slow = {
        "run": ["metrics", "export", "--family", "evidence", "--port", str(free_port())],
        "after": ["prepare"],
        "limit": "1m",
    }
    place.write(
        BOOK
        | {
            "items": {"CHK003": {"name": "slow", "title": "S", "why": "w", "all": [query]}},
            "commands": {"prepare": {"run": ["evidence", "verify"]}, "slow": slow},
        }
    )
    journal = place.root / ".opsctl" / "checklist" / "refresh.json"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPSCTL_", "XDG_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "opsctl", "checklist", "run", "--refresh"],
        cwd=place.root,
        env=clean | {"HOME": str(place.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log, deadline = place.root / ".opsctl/checklist/logs/slow.log", time.monotonic() + 60
    while time.monotonic() < deadline and not (log.exists() and log.read_text().count("\n") > 1):
        time.sleep(0.05)

    beside = place.run("run", "--refresh")
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = json.loads(journal.read_text())
    again = place.run("run", "--refresh", "--within", "3s")

    assert (beside.exit_code, "error[CHK108]" in beside.stderr) == (4, True)
    assert [each["name"] for each in kept["done"]] == ["prepare"]
    assert not kept["is_over"]
    assert "prepare: done before this refresh was ended; it goes on" in again.stderr
    whole = json.loads(journal.read_text())
    assert [(each["name"], each["ending"]) for each in whole["done"]] == [
        ("prepare", "good"),
        ("slow", "too long"),
    ]
    assert whole["is_over"]


def test_every_item_of_the_shipped_book_is_explained():
    """What each is for, and what its evidence does not show."""
    root = Path(__file__).parents[2]
    outcome = run_opsctl("explain", "CHK013", folder=root)

    assert outcome.exit_code == 0
    assert "Good answers among all planned requests" in outcome.stdout
