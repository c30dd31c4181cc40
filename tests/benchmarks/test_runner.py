"""All benchmarks in one run, as the whole program, on small scripts that hold, miss, fail and do not end."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.benchmarks.digest import BEGIN, END

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from tests.benchmarks.runner import Places, main
from tests.benchmarks.steps import Step

folder, names = Path(sys.argv[1]), sys.argv[2].split(",")
places = Places(root=folder, kept=folder / "kept", page=folder / "page.md", causes=folder / "causes.yaml", package="scripts")
steps = [Step(name=name, module=name, expected_seconds=1, limit_seconds=1 if name == "endless" else 60) for name in names]
sys.exit(main(sys.argv[3:], steps=steps, places=places))
"""
SCRIPTS = {
    "holding": """
from tests.benchmarks.rows import at_most, tell
print("held:", tell("holding", "time", 1.0, unit="s", target=at_most(2)).verdict)
""",
    "explained": """
from tests.benchmarks.rows import at_least, tell
tell("explained", "ratio", 1.5, unit="x", target=at_least(2))
""",
    "unexplained": """
from tests.benchmarks.rows import at_least, tell
tell("unexplained", "ratio", 1.5, unit="x", target=at_least(2))
""",
    "failing": """
from tests.benchmarks.rows import tell
tell("failing", "before", 1.0, unit="s")
raise SystemExit("the server is gone")
""",
    "silent": "print('nothing was told')",
    "endless": """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(300)
""",
}
SCRIPTS["waiting"] = SCRIPTS["endless"]  # with time enough to be interrupted first
TROUBLED = "unexplained,failing,silent,endless,holding"


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a run did, and where."""

    folder: Path
    code: int
    out: str
    err: str


def _made(folder: Path) -> Path:
    """Fill a folder with scripts, causes and an old page."""
    (folder / "scripts").mkdir()
    for name, text in SCRIPTS.items():
        (folder / "scripts" / f"{name}.py").write_text(text)
    (folder / "causes.yaml").write_text(
        "explained: {ratio: The disk is shared.}\nholding: {time: It was slow.}\ngone: {time: Nobody knows.}\n"
    )
    (folder / "page.md").write_text("the old page\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in which nothing was run yet."""
    return _made(tmp_path)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run everything that can go wrong, and one that holds."""
    return _run(_made(tmp_path_factory.mktemp("troubled")), TROUBLED)


def _start(folder: Path, names: str, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder, names, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(folder: Path, names: str, *words: str) -> Ran:
    with _start(folder, names, *words) as process:
        out, err = process.communicate(timeout=120)
    return Ran(folder=folder, code=process.returncode, out=out, err=err)


def _page(folder: Path) -> str:
    return (folder / "page.md").read_text()


def test_a_missed_target_with_a_cause_is_told_and_one_that_is_held_makes_its_cause_stale(
    folder: Path,
) -> None:
    """Nothing is wrong with such a run; what a script prints is kept."""
    ran = _run(folder, "holding,explained")

    assert ran.code == 0
    assert ran.err.splitlines() == [
        "stale: causes.yaml says why a target is missed that is held: holding: time",
        "stale: causes.yaml says why a target is missed that nothing measures: gone: time",
    ]
    assert "2 figures: 1 targets held, 1 missed" in ran.out
    assert "- **explained: ratio** (1.50x): The disk is shared." in _page(folder)
    assert (folder / "kept" / "holding.txt").read_text() == "held: held\n"


@pytest.mark.slow
def test_a_missed_target_without_a_cause_fails_the_run(troubled: Ran) -> None:
    """The page says that none is known."""
    assert troubled.code == 1
    assert "missed, and no cause is known yet: unexplained: ratio\n" in troubled.err
    assert "- **unexplained: ratio** (1.50x): no cause is known yet" in _page(troubled.folder)


def test_after_a_script_that_fails_the_others_are_run(troubled: Ran) -> None:
    """It is named, with what it had told; one that tells nothing has failed, too."""
    page = _page(troubled.folder)

    assert "`failing` ended with code 1\n`silent` told no figure\n" in troubled.err
    assert "| `failing` | ended with code 1 | - | - | - | **failed** |" in page
    assert "| `failing` | before | 1.00 s | - | - | - |" in page
    assert "| `holding` | time | 1.00 s | - | <= 2 | held |" in page


def test_a_script_that_does_not_end_is_ended_with_all_it_started(troubled: Ran) -> None:
    """Also what it had detached from itself."""
    assert "`endless` left processes behind, 1 in all; they were ended\n" in troubled.err
    assert "| `endless` | ended at its limit of 1 s | - | - | - | **failed** |" in _page(troubled.folder)
    child = int((troubled.folder / "kept" / "endless.txt").read_text().splitlines()[0])
    assert not psutil.pid_exists(child)


@pytest.mark.slow
def test_an_unfinished_run_leaves_the_page(folder: Path) -> None:
    """And no process; what was measured until then is kept."""
    with _start(folder, "holding,waiting") as process:
        output = folder / "kept" / "waiting.txt"
        deadline = time.monotonic() + 60
        while not (output.exists() and output.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (130, "interrupted: the page is left as it was\n")
    assert _page(folder) == "the old page\n"
    assert json.loads((folder / "kept" / "holding.json").read_text())["rows"][0]["value"] == 1.0
    assert not psutil.pid_exists(int(output.read_text().split()[0]))


def test_one_benchmark_is_run_anew_without_the_others(troubled: Ran) -> None:
    """The page has its new figure, and those that were kept of the others."""
    script = troubled.folder / "scripts" / "unexplained.py"
    script.write_text(SCRIPTS["unexplained"].replace("1.5", "2.5"))

    ran = _run(
        troubled.folder, TROUBLED, "--only", "unexplained", "--page", str(troubled.folder / "other.md")
    )

    page = (troubled.folder / "other.md").read_text()
    assert ran.code == 1, "what failed before is not mended by it"
    assert "| `unexplained` | ratio | 2.50x | - | >= 2 | held |" in page
    assert "| `holding` | time | 1.00 s | - | <= 2 | held |" in page


def test_without_figures_of_the_others_the_page_is_left(folder: Path) -> None:
    """One benchmark's figures must not take the place of all."""
    ran = _run(folder, "holding,explained", "--only", "explained")

    assert (ran.code, _page(folder)) == (0, "the old page\n")
    assert "no figures of this machine and its versions are kept of holding" in ran.err


def test_a_page_is_made_anew_of_what_is_kept(troubled: Ran) -> None:
    """A cause that was found meanwhile comes onto it without another run."""
    (troubled.folder / "causes.yaml").write_text("unexplained: {ratio: It is known now.}\n")
    result = troubled.folder / "kept" / "unexplained.json"
    result.write_text(result.read_text().replace("2.5", "1.5"))

    ran = _run(troubled.folder, TROUBLED, "--render", "--page", str(troubled.folder / "again.md"))

    assert "no cause is known yet" not in ran.err
    assert "- **unexplained: ratio** (1.50x): It is known now." in (troubled.folder / "again.md").read_text()


def test_a_readme_whose_figures_were_not_measured_is_left(folder: Path) -> None:
    """It is said, and the run is judged all the same."""
    readme, text = folder / "README.md", f"before\n{BEGIN}old\n{END}after\n"
    readme.write_text(text)

    ran = _run(folder, "holding")

    assert (ran.code, readme.read_text()) == (0, text)
    assert (
        "the README is left as it was: the README shows what was not measured: filter_strategies" in ran.err
    )
    assert "1 targets held" in ran.out


def test_a_dry_run_runs_nothing(folder: Path) -> None:
    """It says what would run, and for how long."""
    ran = _run(folder, "holding,endless", "--dry-run")

    assert ran.code == 0
    assert ran.out.endswith("2 benchmarks, about 2 s\n")
    assert not (folder / "kept").exists()
    assert _page(folder) == "the old page\n"
