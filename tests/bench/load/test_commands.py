"""`opsctl bench load` as a whole: what it prints, writes and keeps, and how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.command import Outcome, run_opsctl
from tests.fakes.faulty_server import FaultyServer, faulty_server

MIX = {"feed": {"share": 1, "path": "/good?user={user}", "check": {"json_path": "items"}}}
# A busy machine may be late: whether a verdict is right is asked elsewhere, with times that a test makes.
LENIENT = {"lag_share": 1.0, "starved_share": 1.0, "achieved_share": 0.5}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    """Run a server for all tests of this module."""
    with faulty_server() as running:
        yield running


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with the starter books, once."""
    folder = tmp_path_factory.mktemp("starter")
    assert run_opsctl("init", folder=folder).exit_code == 0
    return folder


@pytest.fixture
def project(starter: Path, tmp_path: Path) -> Path:
    """Give each test a copy of its own."""
    return Path(shutil.copytree(starter, tmp_path / "project"))


def write(project: Path, **changes: Any) -> None:
    """Write a load `small` of two seconds."""
    book = {
        "mix": MIX,
        "users": {"count": 20},
        "warm_up": {"every_user": True, "duration": "0s"},
        "arrivals": [{"shape": "poisson", "rate": 300, "duration": "2s"}],
        "gates": ["p95 < 10s"],
        "validity": LENIENT,
    }
    (project / "ops" / "loads" / "small.yaml").write_text(yaml.safe_dump(book | changes))


def send(project: Path, server: FaultyServer, *words: str) -> Outcome:
    """Send the load `small` to a server."""
    return run_opsctl(
        "bench", "load", "small", "--target", f"http://127.0.0.1:{server.port}", *words, folder=project
    )


@pytest.mark.slow
def test_a_load_that_holds_is_shown_kept_and_recorded(project: Path, server: FaultyServer) -> None:
    """Exit 0; a run in the registry, a record in the ledger, files where they were asked for."""
    write(project)
    names = {"--html": "a.html", "--junit": "a.xml", "--markdown": "a.md", "--hgrm": "a.hgrm"}
    outcome = send(project, server, *(word for row in names.items() for word in row))
    assert outcome.exit_code == 0, outcome.stderr
    assert "p95 < 10s" in outcome.stdout
    assert all((project / name).stat().st_size > 100 for name in names.values())
    listed = json.loads(run_opsctl("bench", "list", "--json", folder=project).stdout)["data"]
    assert [(run["kind"], run["subject"], run["verdict"]) for run in listed] == [("load", "small", "pass")]
    records = json.loads(run_opsctl("evidence", "list", "--json", folder=project).stdout)["data"]
    assert [record["kind"] for record in records] == ["bench.load"]


@pytest.mark.slow
def test_a_missed_gate_ends_with_one_and_the_document_says_which(project: Path, server: FaultyServer) -> None:
    """The command line's gates stand instead of the book's."""
    write(project)
    outcome = send(project, server, "--gate", "rate > 9000/s", "--gate", "error_rate < 50%", "--json")
    document = json.loads(outcome.stdout)
    assert (outcome.exit_code, document["ok"]) == (1, False)
    assert [(gate["gate"], gate["verdict"]) for gate in document["data"]["gates"]] == [
        ("rate > 9000/s", "fail"),
        ("error_rate < 50%", "pass"),
    ]


@pytest.mark.slow
def test_answers_that_are_wrong_are_errors_under_their_names(project: Path, server: FaultyServer) -> None:
    """Half of the requests get a 5xx; without a warm-up that would fail first."""
    mix = MIX | {"bad": {"share": 1, "path": "/bad-status"}}
    write(project, mix=mix, gates=["error_rate < 1%"], warm_up={"duration": "0s"})
    data = json.loads(send(project, server, "--json").stdout)["data"]
    assert data["verdict"] == "fail"
    assert 0.4 < data["error_rate"] < 0.6
    assert data["outcomes"]["bad_status"] > 200


@pytest.mark.slow
def test_an_invalid_run_ends_with_five_whatever_its_gates(project: Path, server: FaultyServer) -> None:
    """Nobody can send within no time at all."""
    write(project, validity={"lag_share": 0.0}, gates=["p95 < 10s"])
    outcome = send(project, server)
    assert outcome.exit_code == 5
    assert "BEN035" in outcome.stdout


@pytest.mark.slow
def test_a_tick_a_second_and_the_report_last_come_as_lines_of_json(
    project: Path, server: FaultyServer
) -> None:
    """Each line is one object."""
    write(project)
    lines = [json.loads(line) for line in send(project, server, "--ndjson").stdout.splitlines()]
    assert len(lines) >= 2
    assert {line["schema"] for line in lines[:-1]} == {"opsctl.bench.load.tick/v1"}
    assert lines[-1]["schema"] == "opsctl.bench.load/v1"
    assert lines[-1]["data"]["sent"] > 400


@pytest.mark.slow
def test_a_recorded_log_is_sent_at_its_own_times(project: Path, server: FaultyServer) -> None:
    """Twice as fast."""
    write(project)
    rows = [json.dumps({"at_seconds": number / 50, "path": f"/good?user={number}"}) for number in range(100)]
    (project / "requests.jsonl").write_text("\n".join(rows))
    outcome = send(project, server, "--replay", "requests.jsonl", "--speed", "2x", "--json")
    data = json.loads(outcome.stdout)["data"]
    assert (data["sent"], data["outcomes"]) == (100, {"ok": 100})
    assert 0.9 < data["duration_seconds"] < 1.1


def test_a_dry_run_shows_the_plan_and_sends_nothing(project: Path, server: FaultyServer) -> None:
    """The same plan each time."""
    write(project)
    before = server.seen.total()
    plans = [json.loads(send(project, server, "--dry-run", "--json").stdout)["data"] for _ in range(2)]
    assert plans[0] == plans[1]
    assert 500 < plans[0]["requests"] < 700
    assert server.seen.total() == before
    assert "300/s" in send(project, server, "--dry-run").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--gate", "p99 < 5"), 2, "a time needs its unit"),
        (("--target", "http://192.0.2.1:80"), 4, "BEN033"),
        (("--target", "http://[::ffff:192.0.2.1]:80"), 4, "BEN033"),
        (("--target", "http://user@127.0.0.1"), 2, "BEN034"),
        (("--rate", "nan"), 2, "`arrivals.0"),
        (("--speed", "fast"), 2, "BEN046"),
        (("--replay", "absent.jsonl"), 2, "FIL004"),
        (("--baseline", "absent"), 2, "BEN066"),
        (("--html", "ops"), 3, "FIL003"),
        (("--json", "--ndjson"), 2, "choose one"),
        (("--locustfile", "x.py"), 2, "--engine locust"),
        (("--engine", "locust", "--locustfile", "x.py", "--dry-run"), 2, "opsctl init"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(starter: Path, words, code, said) -> None:
    """With the code, and what to write instead."""
    outcome = run_opsctl("bench", "load", "--target", "http://127.0.0.1:9", *words, folder=starter)
    assert outcome.exit_code == code, outcome.stderr
    assert said in outcome.stderr + outcome.stdout


@pytest.mark.parametrize("name", ["nosuch", "x" * 5000])
def test_a_load_that_is_not_there_is_refused_with_those_that_are(starter: Path, name) -> None:
    """Also one whose name no file can have."""
    outcome = run_opsctl("bench", "load", name, folder=starter)
    assert (outcome.exit_code, "breakpoint, cold, quick" in outcome.stderr) == (2, True)


def test_a_book_shows_all_its_problems_at_once_each_with_its_line(project: Path) -> None:
    """`config check` finds them before a run does."""
    (project / "ops" / "loads" / "small.yaml").write_text(
        "mix:\n  feed: {share: .nan, path: /a}\narrivals:\n  - {shape: poisson, rate: 1e99, duration: 1s}\n"
        "gates:\n  - p99 < 5\n  - p99 < 5ms\n  - größe < 1\nseed: 1\nseed: 2\n"
    )
    outcome = run_opsctl("config", "check", folder=project)
    assert outcome.exit_code == 2
    for place in ("small.yaml:2:", "small.yaml:4:", "small.yaml:6:", "small.yaml:8:", "small.yaml:10:"):
        assert place in outcome.stderr
    assert "small.yaml:7:" not in outcome.stderr


@pytest.mark.slow
def test_a_server_that_is_not_there_ends_with_three(project: Path) -> None:
    """Nothing was measured, so nothing is kept."""
    write(project)
    outcome = run_opsctl("bench", "load", "small", "--target", "http://127.0.0.1:9", folder=project)
    assert outcome.exit_code == 3
    assert json.loads(run_opsctl("bench", "list", "--json", folder=project).stdout)["data"] == []


def started(project: Path, server: FaultyServer) -> "subprocess.Popen[bytes]":
    """Start a long load in the background and return when requests arrive."""
    write(
        project, arrivals=[{"shape": "poisson", "rate": 100, "duration": "60s"}], abort=["error_rate < 20%"]
    )
    before = server.seen.total()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "opsctl", "bench", "load", "small", "--json"),
            *("--target", f"http://127.0.0.1:{server.port}"),
        ],
        cwd=project,
        env=os.environ | {"HOME": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while server.seen.total() < before + 60:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.slow
def test_a_load_that_cannot_be_kept_is_shown_all_the_same(project: Path, server: FaultyServer) -> None:
    """What was measured is on stdout and in the files; the exit code and stderr say that it was not kept."""
    write(project)
    (project / ".opsctl").mkdir(exist_ok=True)
    (project / ".opsctl" / "runs").write_text("no folder")
    outcome = send(project, server, "--json", "--markdown", "a.md")
    document = json.loads(outcome.stdout)
    assert outcome.exit_code == 3, outcome.stderr
    assert (document["data"]["run"], document["data"]["answered"] > 100) == ("not-kept", True)
    assert "error[FIL003]" in outcome.stderr
    assert (project / "a.md").stat().st_size > 100


@pytest.mark.slow
def test_a_key_of_the_environment_is_sent_and_told_to_nobody(project: Path, server: FaultyServer) -> None:
    """Neither output nor files hold it; one with a line end is refused before anything is sent."""
    write(project, arrivals=[{"shape": "constant", "rate": 20, "duration": "1s"}], gates=[])
    words = ("bench", "load", "small", "--target", f"http://127.0.0.1:{server.port}", "--html", "a.html")
    environment = {"OPSCTL_LOAD_KEY": "key-that-nobody-sees"}
    outcome = run_opsctl(*words, folder=project, environment=environment)
    assert outcome.exit_code == 0, outcome.stderr
    assert b"Authorization: Bearer key-that-nobody-sees\r\n" in server.last_head
    said = outcome.stdout + outcome.stderr
    kept = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    assert not any(b"key-that-nobody-sees" in text for text in (said.encode(), *kept))
    refused = run_opsctl(*words, folder=project, environment={"OPSCTL_LOAD_KEY": "secret\nX: y"})
    assert (refused.exit_code, "secret" in refused.stderr) == (2, False)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_keep_what_was_measured_so_far(
    project: Path, server: FaultyServer, number: signal.Signals
) -> None:
    """Exit 130; the document and the run are there, and nobody takes them for a pass."""
    process = started(project, server)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    document = json.loads(output)
    assert process.returncode == 130
    assert (document["ok"], document["data"]["aborted"], document["data"]["verdict"]) == (
        False,
        "interrupted",
        "inconclusive",
    )
    assert document["data"]["sent"] > 10
    assert len(json.loads(run_opsctl("bench", "list", "--json", folder=project).stdout)["data"]) == 1


@pytest.mark.drill
@pytest.mark.parametrize(
    "words", [("capacity", "small", "--target", "{url}", "--start", "50"), ("compare", "{url}", "{url}")]
)
def test_ctrl_c_ends_loads_one_after_the_other_and_not_only_one_of_them(
    project: Path, server: FaultyServer, words: tuple[str, ...]
) -> None:
    """Exit 130, long before the last of them would have been sent."""
    write(project)
    before = server.seen.total()
    url = f"http://127.0.0.1:{server.port}"
    load = ("--load", "small") if words[0] == "compare" else ()
    process = subprocess.Popen(
        [sys.executable, "-m", "opsctl", "bench", *(word.format(url=url) for word in words), *load],
        cwd=project,
        env=os.environ | {"HOME": str(project)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while server.seen.total() < before + 60:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
        process.wait()


@pytest.mark.drill
def test_a_server_that_goes_away_in_the_middle_fails_the_run_early(project: Path) -> None:
    """The abort gate ends it after ten seconds; what failed is counted under its name."""
    with faulty_server() as gone:
        process = started(project, gone)
    output, _ = process.communicate(timeout=90)
    data = json.loads(output)["data"]
    assert process.returncode == 1
    assert "error_rate < 20%" in data["aborted"]
    assert (
        data["outcomes"].get("refused", 0)
        + data["outcomes"].get("unfinished", 0)
        + data["outcomes"].get("reset", 0)
        > 50
    )
