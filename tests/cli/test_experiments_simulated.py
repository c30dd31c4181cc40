"""A book as it is simulated, analysed and reported, with the same numbers each time."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.command import Outcome, run_opsctl

from opsctl.clients.file_locks import FileLock
from opsctl.experiments.certify.kept import shipped, valid
from opsctl.experiments.statistics.methods import Method

BOOK: dict[str, Any] = {
    "title": "Learning or chance",
    "hypothesis": "a policy that learns is clicked more often than one that does not",
    "owner": "ranking",
    "decision": "ship the one that learns, if it is clicked more often",
    "control": "chance",
    "arms": {
        "chance": {"weight": 0.5, "settings": {"learner": "random"}},
        "learns": {"weight": 0.5, "settings": {"learner": "linear_ts"}},
    },
    "isolated_learners": True,
    "horizon": "7d",
    "units": 400,
    "dimensions": ["segment"],
    "metrics": {
        "clicks": {"kind": "ratio", "events": ["click"], "per": ["session"], "role": "primary", "mde": "20%"},
        "latency": {
            "kind": "quantile",
            "events": ["latency_milliseconds"],
            "quantile": 0.95,
            "role": "guardrail",
            "direction": "decrease",
            "margin": "20%",
        },
    },
    "simulation": {
        "users": 400,
        "days": 7,
        "warm_up_days": 5,
        "seeds": 2,
        "world": {"vendors": 80, "candidates": 30},
    },
}


class Shell:
    """Runs `opsctl experiments` in a project with one book."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.book = folder / "ops" / "experiments" / "learning.yaml"
        self.book.parent.mkdir(parents=True)
        self.write(BOOK)

    def write(self, book: dict[str, Any]) -> None:
        """Write the book."""
        self.book.write_text(yaml.safe_dump(book, sort_keys=False), encoding="utf-8")

    def run(self, *arguments: str) -> Outcome:
        """Run one verb."""
        return run_opsctl("experiments", *arguments, folder=self.folder, environment={})

    def data(self, *arguments: str) -> Any:
        """Run one verb, and return the data of its JSON document."""
        outcome = self.run(*arguments, "--json")
        assert outcome.stdout, outcome.stderr
        return json.loads(outcome.stdout)["data"]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Give a project whose book was simulated once."""
    shell = Shell(tmp_path_factory.mktemp("learning"))
    outcome = shell.run("simulate", "learning", "--no-robust", "--processes", "2")
    assert outcome.exit_code == 0, outcome.stderr
    return shell


@pytest.fixture
def shell(simulated: Shell, tmp_path: Path) -> Shell:
    """Give a copy of that project, of its own."""
    shutil.copytree(simulated.folder, tmp_path / "copy")
    copy = Shell.__new__(Shell)
    copy.folder, copy.book = tmp_path / "copy", tmp_path / "copy" / "ops" / "experiments" / "learning.yaml"
    return copy


def test_the_certificates_of_the_release_are_of_this_code() -> None:
    """After a change of `experiments/statistics`: `opsctl experiments certify --ship` with the path of the file."""
    assert set(valid(shipped())) == set(Method)


@pytest.mark.slow
def test_a_policy_that_learns_is_shipped_with_the_certificates_behind_it(shell: Shell) -> None:
    """The arms are of the service's own assignment; the look is recorded, and counted the next time."""
    first, second = shell.run("analyze", "learning"), shell.run("analyze", "learning")
    data = shell.data("analyze", "learning")

    assert first.exit_code == 0, first.stderr
    assert "ship `learns`" in first.stdout
    assert "simulated: readers, vendors, time" in first.stdout
    assert "looked at 1 time before" in second.stdout
    assert data["look"]["looks_before"] == 2
    assert set(data["certificates"]) >= {"srm", "ratio", "quantile", "non_inferiority", "holm"}
    assert [check["is_fault"] for check in data["checks"]] == [False] * len(data["checks"])


@pytest.mark.slow
def test_what_was_to_be_seen_earlier_can_be_seen_again(shell: Shell) -> None:
    """Before the horizon nothing is decided, exit 5."""
    early = shell.run("analyze", "learning", "--at", "2026-01-08")

    assert early.exit_code == 5
    assert "keep running" in early.stdout
    assert "the stopping rule allows no verdict yet" in early.stdout


@pytest.mark.slow
def test_a_plan_measures_baselines_that_no_book_writes_where_the_events_are(shell: Shell) -> None:
    """Without a folder nobody can say, and the hint says how; with it the plan is whole, and says on whom it was measured."""
    without = shell.run("plan", "learning")
    planned = shell.run("plan", "learning", "--from", ".opsctl/experiments/learning")
    data = shell.data("plan", "learning", "--from", ".opsctl/experiments/learning")
    nowhere = shell.run("plan", "learning", "--from", "nowhere")

    assert without.exit_code == 5
    assert "opsctl experiments plan learning --from FOLDER" in " ".join(without.stderr.split())
    assert planned.exit_code in (0, 1), planned.stderr
    assert "learning: clicks measured in the control of simulated readers: mean " in planned.stdout
    assert data["measured_baselines"]["learning"]["clicks"]["deviation"] > 0
    assert data["measured_on_simulated_readers"] == ["learning"]
    primary = next(each for each in data["experiments"][0]["metrics"] if each["metric"] == "clicks")
    assert primary["reach"]["units_needed"] > 0
    assert (nowhere.exit_code, "EXP052" in nowhere.stderr) == (2, True)


def _day(shell: Shell, kind: str, number: int) -> Path:
    """Return the file of one simulated day."""
    return sorted((shell.folder / ".opsctl" / "experiments" / "learning" / kind).glob("*.parquet"))[number]


@pytest.mark.slow
def test_events_that_are_not_those_of_the_simulation_are_refused_and_nobody_has_looked(shell: Shell) -> None:
    """A day that is gone, one that was swapped for another, one more, and a folder that nothing binds."""
    folder = shell.folder / ".opsctl" / "experiments" / "learning"
    looks = shell.data("analyze", "learning")["look"]["looks_before"]
    day, other = _day(shell, "events", 5), _day(shell, "events", 6)
    kept = day.read_bytes()

    day.unlink()
    gone = shell.run("analyze", "learning")
    day.write_bytes(other.read_bytes())
    swapped = shell.run("analyze", "learning", "--from", str(folder))
    day.write_bytes(kept)
    more = day.with_name("2026-03-01.parquet")
    more.write_bytes(kept)
    added = shell.run("analyze", "learning")
    more.unlink()
    mended = shell.data("analyze", "learning")
    (folder / "manifest.json").unlink()
    unbound = shell.run("report", "learning", "--out", "pages")

    for outcome, why in (
        (gone, f"`events/{day.name}` is gone"),
        (swapped, f"`events/{day.name}` is changed"),
        (added, "`events/2026-03-01.parquet` is new"),
        (unbound, "there is no `manifest.json`"),
    ):
        assert (outcome.exit_code, outcome.stdout) == (2, ""), outcome.stderr
        assert "EXP131" in outcome.stderr
        assert why in " ".join(outcome.stderr.split())
        assert "opsctl experiments simulate learning" in outcome.stderr
    assert mended["look"]["looks_before"] == looks + 1


def test_the_proof_of_a_simulation_names_its_events(shell: Shell) -> None:
    """By the digest of their manifest."""
    manifest = (shell.folder / ".opsctl" / "experiments" / "learning" / "manifest.json").read_bytes()
    records = [
        json.loads(line)
        for line in (shell.folder / ".opsctl" / "evidence" / "ledger.jsonl").read_text().splitlines()
    ]

    inputs = next(each["inputs"] for each in records if each["kind"] == "experiments.simulate")
    assert inputs["events"] == hashlib.sha256(manifest).hexdigest()


@pytest.mark.drill
def test_simulated_again_it_says_the_same(shell: Shell) -> None:
    """Figure by figure, whatever ran beside what."""
    before = (shell.folder / ".opsctl" / "experiments" / "learning" / "study.json").read_bytes()
    analysed = shell.data("analyze", "learning")

    again = shell.run("simulate", "learning", "--no-robust", "--processes", "1")

    assert again.exit_code == 0, again.stderr
    assert (shell.folder / ".opsctl" / "experiments" / "learning" / "study.json").read_bytes() == before
    assert shell.data("analyze", "learning")["results"] == analysed["results"]


def test_a_book_that_was_changed_since_is_refused(shell: Shell) -> None:
    """With what was changed; put back, it is analysed."""
    shell.book.write_text(shell.book.read_text().replace("20%", "30%"), encoding="utf-8")

    changed = shell.run("analyze", "learning")

    assert changed.exit_code == 2
    assert "EXP020" in changed.stderr


@pytest.mark.slow
def test_the_pages_are_written_and_stand_by_themselves(shell: Shell) -> None:
    """One for the experiment and an index that leads to it; no script, nothing from elsewhere."""
    written = shell.run("report", "--out", "pages")

    assert written.exit_code == 0, written.stderr
    page = (shell.folder / "pages" / "learning.html").read_text()
    index = (shell.folder / "pages" / "index.html").read_text()
    assert "Simulated: readers, vendors, time." in page
    assert "Regret of a feed, by day" in page
    assert 'href="learning.html"' in index
    assert not [sign for sign in ("<script", "http://", "https://", "url(") if sign in page + index]


@pytest.mark.slow
def test_figures_go_between_the_marks_of_a_page_and_nowhere_else(shell: Shell) -> None:
    """What people wrote stays; twice is the same as once."""
    page = shell.folder / "learning.md"
    page.write_text(
        "# Mine\n\n<!-- measured:begin (opsctl experiments report NAME --markdown FILE) -->\nold\n<!-- measured:end -->\n\nLearned.\n"
    )

    first = shell.run("report", "learning", "--markdown", "learning.md")
    once = page.read_text()
    shell.run("report", "learning", "--markdown", "learning.md")

    assert first.exit_code == 0, first.stderr
    assert once.startswith("# Mine\n")
    assert once.endswith("\nLearned.\n")
    assert "old" not in once
    assert "**Verdict: ship `learns`.**" in once
    assert page.read_text() == once


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("simulate",), "EXP129"),
        (("simulate", "learning", "--all"), "EXP129"),
        (("simulate", "lerning"), "EXP003"),
        (("analyze", "learning", "--from", "nowhere"), "EXP05"),
        (("certify", "maen"), "EXP141"),
        (("certify", "--list", "--markdown", "ops/experiments/learning.yaml"), "EXP142"),
        (("certify", "mean", "--ship", "all.json"), "EXP143"),
        (("certify", "--quick", "--ship", "all.json"), "EXP143"),
        (("report", "learning", "--markdown", "ops/experiments/learning.yaml"), "EXP130"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_would(
    shell: Shell, arguments: tuple[str, ...], code: str
) -> None:
    """A code, a reason, and a next step."""
    outcome = shell.run(*arguments)

    assert outcome.exit_code in (2, 3), outcome.stderr
    assert code in outcome.stderr
    assert "hint:" in outcome.stderr


def test_settings_that_the_simulator_does_not_know_are_refused(shell: Shell) -> None:
    """Before any world is made; what an earlier run left stays."""
    book = yaml.safe_load(shell.book.read_text())
    book["arms"]["learns"]["settings"] = {"learner": "oracle"}
    shell.write(book)

    outcome = shell.run("simulate", "learning")

    assert outcome.exit_code == 2
    assert "EXP125" in outcome.stderr
    assert (shell.folder / ".opsctl" / "experiments" / "learning" / "study.json").is_file()
    assert not list((shell.folder / ".opsctl" / "experiments").glob(".learning.[!l]*"))


@pytest.mark.drill
def test_two_simulations_of_one_name_do_not_spoil_each_other(shell: Shell) -> None:
    """The second is refused, and says who is at it; what a killed one has left is removed by the next."""
    folder = shell.folder / ".opsctl" / "experiments"
    (folder / ".learning.new" / "events").mkdir(parents=True)
    with FileLock(folder / ".learning.lock", what="simulating learning"):
        refused = shell.run("simulate", "learning", "--seeds", "1", "--no-robust")
    done = shell.run("simulate", "learning", "--seeds", "1", "--no-robust")

    assert (refused.exit_code, "FIL002" in refused.stderr) == (4, True)
    assert done.exit_code == 0, done.stderr
    assert not (folder / ".learning.new").exists()
    assert not (folder / "learning" / "events" / "events").exists()


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        '{"worlds": []}',
        '{"worlds": [3]}',
        '{"worlds": [{"seed": 1, "regret": [], "answers": []}]}',
    ],
)
def test_a_study_that_somebody_broke_is_named_with_what_makes_a_new_one(shell: Shell, content: str) -> None:
    """No defect of opsctl, and no figures of it."""
    path = shell.folder / ".opsctl" / "experiments" / "learning" / "study.json"
    whole = json.loads(path.read_text())
    broken = json.loads(content)
    path.write_text(json.dumps(whole | broken if broken else broken))

    outcome = shell.run("analyze", "learning")

    assert (outcome.exit_code, "EXP131" in outcome.stderr) == (2, True), outcome.stderr
    assert "hint: opsctl experiments simulate learning" in outcome.stderr


@pytest.mark.drill
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_worlds_end_with_the_command_that_made_them(shell: Shell, number: signal.Signals) -> None:
    """Within seconds, although many worlds wait; nothing of them goes on."""
    book = yaml.safe_load(shell.book.read_text())
    book["simulation"] |= {"users": 3000, "days": 14, "seeds": 8}
    shell.write(book)
    process = subprocess.Popen(
        [sys.executable, "-m", "opsctl", "experiments", "simulate", "learning", "--no-robust"],
        cwd=shell.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    worlds = _wait_for_worlds(process.pid)
    process.send_signal(number)

    assert process.wait(timeout=20) in (130, -signal.SIGKILL)
    assert worlds
    assert _end_of(worlds)


def _wait_for_worlds(parent: int) -> list[int]:
    """Return the processes of the worlds once they are at work."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if b"spawn_main" in _read(path)
            and f"PPid:\t{parent}\n".encode() in _read(path.with_name("status"))
        ]
        if found:
            time.sleep(2)  # numpy and the market
            return found
        time.sleep(0.2)
    return []


def _end_of(pids: list[int]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until and any(_lives(pid) for pid in pids):
        time.sleep(0.2)
    return not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    return b"spawn_main" in _read(Path(f"/proc/{pid}/cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
