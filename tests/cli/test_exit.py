"""How whole commands end when something goes wrong outside of them: pipes, disks, signals, wrong usage."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl


def run_shell(line: str, *, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `opsctl` inside a shell line, where `$OPSCTL` stands for the command."""
    environment = {"OPSCTL": f"{sys.executable} -m opsctl", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        ["/bin/bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "arguments", [("collections", "status", "--nope", "--json"), ("nope", "--json"), ("explain", "X1", "Y")]
)
def test_wrong_usage_is_told_on_stderr_and_in_json_where_asked(tmp_path: Path, arguments: tuple[str, ...]):
    """A program that asked for JSON gets one document, also when no option could be read."""
    outcome = run_opsctl(*arguments, folder=tmp_path)

    assert outcome.exit_code == 2
    assert "Error: " in outcome.stderr
    findings = json.loads(outcome.stdout)["findings"] if "--json" in arguments else []
    assert [finding["code"] for finding in findings] == (["CLI002"] if "--json" in arguments else [])


def test_ctrl_c_leaves_one_json_document(tmp_path: Path):
    """The reader of `--json` can tell an interruption from a crash."""
    # A job in the background of a shell starts with SIGINT ignored; here somebody sits at the terminal.
    script = (
        "import os, signal; from opsctl.cli import exit\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def stop(): os.kill(os.getpid(), signal.SIGINT)\n"
        "exit.run(stop)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert process.returncode == 128 + signal.SIGINT
    assert json.loads(process.stdout)["findings"][0]["code"] == "CLI003"


def test_output_to_a_full_disk_is_no_bug(tmp_path: Path):
    """Exit 3 with the reason, for tables and for JSON."""
    outcome = run_shell("$OPSCTL config show > /dev/full", folder=tmp_path)
    in_json = run_shell("$OPSCTL config show --json > /dev/full", folder=tmp_path)

    assert (outcome.returncode, in_json.returncode) == (3, 3)
    assert "error[FIL001]: no room left to write" in outcome.stderr
    assert "error[FIL001]: no room left to write" in in_json.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$OPSCTL explain NOPE999", 2),
        ("$OPSCTL nosuch", 2),
        ("$OPSCTL bench load --nosuch", 2),
        ("$OPSCTL chaos", 2),
        ("$OPSCTL config show", 0),
        ("$OPSCTL init", 0),
    ],
)
def test_a_stderr_that_cannot_be_written_changes_no_exit_code(tmp_path: Path, line: str, code: int):
    """Messages are lost, on a full disk or where nobody reads any more; what the command came to is not."""
    full = run_shell(f"{line} 2> /dev/full", folder=tmp_path)
    unread = run_shell(f"{line} 2> >(exec 0<&-; true)", folder=tmp_path)
    closed = run_shell(f"{line} 2>&-", folder=tmp_path)

    assert (full.returncode, unread.returncode, closed.returncode) == (code, code, code)


@pytest.mark.slow
def test_a_failure_keeps_its_code_where_its_document_cannot_be_written(tmp_path: Path):
    """No traceback, and nothing but the code of the failure itself: stderr says what the document would have."""
    wrong = run_shell("$OPSCTL explain NOPE999 --json > /dev/full", folder=tmp_path)
    usage = run_shell("$OPSCTL nosuch --json > /dev/full", folder=tmp_path)
    nobody = run_shell("$OPSCTL explain NOPE999 --json > /dev/full 2> /dev/full", folder=tmp_path)
    unread = run_shell("$OPSCTL explain NOPE999 --json | true; exit ${PIPESTATUS[0]}", folder=tmp_path)

    assert (wrong.returncode, usage.returncode, nobody.returncode, unread.returncode) == (2, 2, 2, 2)
    assert "error[CLI001]" in wrong.stderr
    assert "No such command" in usage.stderr
    assert "Traceback" not in wrong.stderr + usage.stderr


def test_a_folder_that_is_gone_is_no_bug(tmp_path: Path):
    """Whoever stands in it is told so, where a relative path is to mean something."""
    (tmp_path / "project").mkdir()
    line = "mkdir gone && cd gone && rmdir ../gone && $OPSCTL --project ../project dr list --from x"
    outcome = run_shell(line.replace("../project", str(tmp_path / "project")), folder=tmp_path)

    assert outcome.returncode == 3
    assert "error[FIL003]: the folder you are in is gone" in outcome.stderr


def test_a_file_that_may_not_be_read_is_no_bug(tmp_path: Path):
    """Wherever it surfaces, such as in a look whether something is there."""
    script = (
        "from opsctl.cli import exit\n"
        "def look(): raise PermissionError(13, 'Permission denied', '/srv/x/state.json')\n"
        "exit.run(look)"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert process.returncode == 3
    assert "error[FIL003]: cannot open `/srv/x/state.json`" in process.stderr


@pytest.mark.slow
@pytest.mark.parametrize("line", ["$OPSCTL config show --json >&-", "$OPSCTL config show >&-"])
def test_a_closed_stdout_is_no_bug(tmp_path: Path, line: str):
    """Nobody wants the output; the verdict is still the exit code."""
    assert run_shell(line, folder=tmp_path).returncode == 0


def test_data_with_colons_is_shown_as_it_is(tmp_path: Path):
    """`:x:` in somebody's file is no request for a picture."""
    (tmp_path / "opsctl.yaml").write_text("a:x:b\n")

    assert "`a:x:b`" in run_opsctl("config", "show", folder=tmp_path).stderr
