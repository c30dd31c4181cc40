"""bash: whether a text is a script, and how one ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.terminal import terminal

from opsctl.clients.shell import run_script, syntax_problem


@pytest.mark.parametrize("text", ["date", "for x in a b; do echo $x; done", "cat <<'E'\n(\nE", ""])
def test_a_script_has_no_problem(text):
    """Nothing of it is run."""
    assert syntax_problem(text) is None


@pytest.mark.parametrize("text", ["if true; then", "echo 'open", ")", "echo $("])
def test_what_is_no_script_is_told_in_words_of_bash(text):
    """With the line, without the program's own name."""
    problem = syntax_problem(text)

    assert problem is not None
    assert problem.startswith("line ")


def test_checking_a_script_does_not_run_it(tmp_path):
    """A lint that acts would be worse than none."""
    assert syntax_problem(f"touch {tmp_path}/made") is None
    assert list(tmp_path.iterdir()) == []


def test_the_output_is_heard_line_by_line_and_the_code_returned(tmp_path):
    """Errors too, in the order in which they came."""
    heard: list[str] = []

    code = run_script(
        'echo "$WORD"; echo two >&2; pwd; exit 7',
        folder=tmp_path,
        environment={"WORD": "one", "PATH": os.defpath},
        heard=heard.append,
    )

    assert (code, heard) == (7, ["one\n", "two\n", f"{tmp_path}\n"])


@pytest.mark.parametrize("text", ["false; echo no", 'echo "$NOT_THERE"; echo no', "false | cat; echo no"])
def test_a_script_stops_at_the_first_thing_that_fails(text, tmp_path):
    """An unset variable and the head of a pipe are such things."""
    heard: list[str] = []

    code = run_script(text, folder=tmp_path, environment={"PATH": os.defpath}, heard=heard.append)

    assert code != 0
    assert "no\n" not in heard


def test_a_script_gets_no_input(tmp_path):
    """It would eat what its caller is asked."""
    assert run_script("cat", folder=tmp_path, environment={"PATH": os.defpath}) == 0


def test_output_that_is_no_text_is_heard_all_the_same(tmp_path):
    """Logs hold anything."""
    heard: list[str] = []
    text = r"printf '\xff\n'"

    assert run_script(text, folder=tmp_path, environment={"PATH": os.defpath}, heard=heard.append) == 0
    assert heard == ["\ufffd\n"]


def test_a_listener_that_fails_ends_the_script(tmp_path):
    """Ctrl-C arrives there too; nothing goes on behind our back."""

    def fail(line):
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_script("echo a; exec sleep 30", folder=tmp_path, environment={"PATH": os.defpath}, heard=fail)
    assert time.monotonic() - began < 10


KIND = """
import os, signal, sys, time
def end(*_):
    os.write(1, b"x" * 200_000)  # more than a pipe holds
    open("undone", "w").close()
    sys.exit(1)
signal.signal(signal.SIGINT, end)
os.write(1, b"begun\\n")
time.sleep(60)
"""


def test_what_a_script_was_just_running_may_undo_what_it_began(tmp_path):
    """It gets the Ctrl-C that only reached us, and is waited for; the script does not go on."""
    (tmp_path / "kind.py").write_text(KIND)

    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_script(
            f"{sys.executable} kind.py\ntouch went-on",
            folder=tmp_path,
            environment={"PATH": os.defpath},
            heard=interrupt,
        )

    assert (tmp_path / "undone").exists()
    assert not (tmp_path / "went-on").exists()


def test_what_a_script_left_in_the_background_ends_with_it(tmp_path):
    """Bash lets it ignore Ctrl-C."""
    pids: list[int] = []

    def interrupt(line):
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_script(
            "sleep 60 & echo $!; sleep 60",
            folder=tmp_path,
            environment={"PATH": os.defpath},
            heard=interrupt,
        )

    deadline = time.monotonic() + 30
    while lives(pids[0]):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lives(pid):
    """Tell whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


ON_TERMINAL = """
import os
from pathlib import Path
from opsctl.clients.shell import run_script
try:
    run_script("{python} kind.py; touch went-on", folder=Path.cwd(), environment=dict(os.environ))
except KeyboardInterrupt:
    print("interrupted", Path("undone").exists(), Path("went-on").exists(), flush=True)
"""


def test_on_a_terminal_a_script_can_ask_and_ctrl_c_lets_it_undo_what_it_began(tmp_path):
    """It has the terminal itself, as `sudo` needs it, and is waited for."""
    (tmp_path / "kind.py").write_text("open('/dev/tty').close()\n" + KIND)
    code = ON_TERMINAL.format(python=sys.executable)

    with terminal([sys.executable, "-c", code], folder=tmp_path) as screen:
        screen.wait_for("begun")
        screen.press("\x03")
        screen.wait_for("interrupted True False")


def test_a_machine_without_bash_says_so(tmp_path):
    """With the line that installs it."""
    code = "from opsctl.clients.shell import syntax_problem\ntry:\n    syntax_problem('date')\nexcept Exception as e:\n    print(e.code)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert done.stdout == "PRC001\n", done.stderr
