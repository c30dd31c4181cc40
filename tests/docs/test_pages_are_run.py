"""Commands of the pages that only look are really run, in a new project: exit codes are those of a command that works."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.scratch_project import init_project

from opsctl.cli.command_tree import path_and_arguments, why_not
from opsctl.cli.documenting import pages_of
from opsctl.documentation.pages import commands_of

ROOT = Path(__file__).parents[2]
# They need no server and no file of the reader's, and take no time. `0` is well; what a new project cannot have yet may
# be another code, and the one that is named.
LOOKING = {
    ("alerts", "lint"): {0, 1},  # `--fail-on warning`: nothing is proven in a new project
    ("alerts", "list"): {0},
    ("bench", "list"): {0},
    ("cache", "policy"): {0},
    ("chaos", "budget"): {0},
    ("chaos", "faults"): {0},
    ("chaos", "list"): {0},
    ("config", "check"): {0},
    ("config", "schema"): {0},
    ("config", "show"): {0},
    ("dashboards", "lint"): {0},
    ("dr", "scenarios"): {0},
    ("evidence", "list"): {0},
    ("evidence", "verify"): {0},
    ("experiments", "lint"): {0, 1},  # `--fail-on warning`
    ("explain",): {0},
    ("metrics", "list"): {0},
    ("runbooks", "lint"): {0},
    ("runbooks", "list"): {0},
    ("runbooks", "show"): {0},
    ("stack", "status"): {0, 3},  # nothing runs in a new project
    ("training", "list"): {0},
}
# Each runs in a fork of one process that has imported what most of them need: a start of Python for each takes a minute.
RUNNER = """
import json, os, sys, tempfile
import rich.console, rich.table, pydantic, yaml
import opsctl.alerts.compile, opsctl.cli.app, opsctl.cli.explain, opsctl.config.load
from opsctl.__main__ import main
ends = {}
for words in json.load(sys.stdin):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
            sys.argv = ["opsctl", *words]
            main()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = []
        for file in (out, err):
            file.seek(0)
            said.append(file.read().decode()[-600:])
        ends[" ".join(words)] = [code, *said]
json.dump(ends, sys.stdout)
"""


def _commands() -> list[list[str]]:
    """Return the typed commands of all pages that only look; forms with something to be put in are left out.

    Of those that differ only in a name, such as the code that is explained, one is enough: names are looked up elsewhere.
    """
    found = {}
    for text in pages_of(ROOT).values():
        for command in commands_of(text):
            words = list(command.words)
            path, _ = path_and_arguments(words)
            is_whole = (
                command.is_typed
                and why_not(words) is None
                and not any(w.isupper() or "$" in w for w in words)
            )
            if path in LOOKING and is_whole and "--project" not in words and "less_exploration" not in words:
                found[path, tuple(word for word in words if word.startswith("-"))] = words
    return [found[kind] for kind in sorted(found)]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """Run every command, and return its exit code, the end of its output, and of its errors."""
    project = init_project(tmp_path_factory.mktemp("pages") / "feed").root
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPSCTL_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(_commands()),
        cwd=project,
        env=clean | {"NO_COLOR": "1", "HOME": str(project)},
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return {text: (code, out, err) for text, (code, out, err) in json.loads(done.stdout).items()}


@pytest.mark.slow
def test_there_are_many_of_them(ends):
    """Of every kind that is listed; a kind that no page shows is named here for nothing."""
    shown = {path_and_arguments(words)[0] for words in _commands()}

    assert len(ends) > 30
    assert set(LOOKING) - shown == set()


@pytest.mark.slow
def test_each_ends_as_one_that_works(ends):
    """A table of command, exit code and what it said, where one does not."""
    wrong = [
        f"opsctl {text}  exit {code}\n    {err or out}"
        for text, (code, out, err) in ends.items()
        if code not in LOOKING[path_and_arguments(text.split())[0]]
    ]

    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.slow
def test_each_says_something(ends):
    """On stdout, or on stderr why there is nothing to show; annotations of findings are silent where there is none."""
    silent = [text for text, (_, out, err) in ends.items() if not (out.strip() or err.strip())]

    assert [text for text in silent if "--format github" not in text] == []
