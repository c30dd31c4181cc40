"""Every step of every runbook, on a stack of its own: what looks works, and what changes something leaves it well."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.scratch_project import OPSCTL, ScratchProject, scratch_project

pytestmark = pytest.mark.drill

# These start a stack of their own and break it for half an hour, or stop what this test itself watches with.
_ELSEWHERE = ("opsctl alerts prove\n", "opsctl stack down prometheus alertmanager")
_ITEMS, _USERS = 3_000, 200


@pytest.fixture(scope="module")
def project(open_folder: Path) -> Iterator[ScratchProject]:
    """Make a project whose stack runs, watchers included, with some traffic behind it."""
    with scratch_project(open_folder / f"runbooks-{os.getpid()}", items=_ITEMS, users=_USERS) as made:
        made.opsctl("stack", "up", "--watch")
        made.opsctl("alerts", "render")
        key = str(made.opsctl("security", "keys", "create", "--name", "drill")["key"])
        service = url_of(made, "service")
        for user in range(1, 50):
            httpx.get(f"{service}/v1/feed/{user}", headers={"authorization": f"Bearer {key}"}, timeout=30)
        time.sleep(20)  # four scrapes
        yield made


def url_of(project: ScratchProject, part: str) -> str:
    """Return where a part of the stack is."""
    return next(
        str(each["url"]) for each in project.opsctl("stack", "status")["parts"] if each["name"] == part
    )


def run(project: ScratchProject, *words: str) -> tuple[int, dict[str, Any]]:
    """Run steps of a runbook; return the exit code and the data of the document."""
    done = subprocess.run(
        [OPSCTL, "--project", project.root, "runbooks", "run", *words, "--json"],
        env={**os.environ, "OPSCTL_COLOR": "never", "HOME": str(project.root)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)["data"]


def names(project: ScratchProject) -> list[str]:
    """Return the names of all runbooks."""
    return [each["name"] for each in project.opsctl("runbooks", "list")]


def test_every_step_that_looks_works(project):
    """A command that fails on a stack that is well would fail at night as well."""
    told = []
    for name in names(project):
        _, data = run(project, name)
        told += [
            (name, each["step"]["number"], each["outcome"], each["step"]["command"], each["output"][-300:])
            for each in data["steps"]
            if each["outcome"] != "done" or '"status":"error"' in each["output"]
        ]

    assert told == []


def test_every_step_that_changes_something_works_and_leaves_the_stack_well(project):
    """Each command once, in the order of the pages; at the end everything answers again."""
    seen, told = set(), []
    for each in project.opsctl("runbooks", "list"):
        for step in each["steps"]:
            command = step["command"]
            is_change = command.startswith("# changes:")
            if not is_change or command in seen or any(part in f"{command}\n" for part in _ELSEWHERE):
                continue
            seen.add(command)
            code, data = run(project, each["name"], "--step", str(step["number"]), "--yes")
            if code != 0:
                told.append((each["name"], step["number"], command, data["steps"][0]["output"][-400:]))

    assert told == []
    assert len(seen) > 10
    states = {part["name"]: part["ready"] for part in project.opsctl("stack", "status")["parts"]}
    assert {name for name, is_ready in states.items() if not is_ready} <= {"pooler"}
    assert httpx.get(f"{url_of(project, 'service')}/readyz", timeout=30).status_code == 200
