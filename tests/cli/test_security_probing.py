"""`opsctl security audit` on a running service: its own keys come and go, however it ends."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest
from tests.cli.command import run_opsctl
from tests.scratch_project import OPSCTL, RunningService, ScratchProject
from tests.security.test_shortage import Service, always, running

from opsctl.stack.status import stack_status

pytestmark = pytest.mark.stack

_KEYS = "select count(*) from api_keys where name = 'opsctl security audit'"


@pytest.fixture
def watcher(service_project: ScratchProject) -> Iterator[psycopg.Connection[tuple[int]]]:
    """Give a connection to the project's database."""
    state = stack_status(service_project.root / ".opsctl")
    password = state.database_password_file.read_text().strip()
    with psycopg.connect(state.database_url, password=password, autocommit=True) as connection:
        yield connection


def keys_of_the_audit(watcher: psycopg.Connection[tuple[int]]) -> int:
    """Return how many keys of the audit there are."""
    found = watcher.execute(_KEYS).fetchone()
    assert found is not None
    return found[0]


def test_a_probe_leaves_a_record_and_no_key(
    service_project: ScratchProject, live_service: RunningService, watcher: psycopg.Connection[tuple[int]]
) -> None:
    """Also those of an audit that was killed are gone, once they have expired."""
    watcher.execute(
        "insert into api_keys (prefix, hash, name, created_at, expires_at) values"
        " ('leftover', decode(repeat('00', 32), 'hex'), 'opsctl security audit', now() - interval '1 h', now())"
    )

    outcome = run_opsctl(
        *("security", "audit", "--only", "SEC103", "--only", "SEC107", "--json"),
        folder=service_project.root,
        environment={"OPSCTL_SERVICE_URL": live_service.url},
    )

    assert outcome.exit_code == 0, outcome.stdout + outcome.stderr
    checks = json.loads(outcome.stdout)["data"]["checks"]
    assert {each["code"]: each["state"] for each in checks} == {"SEC103": "pass", "SEC107": "pass"}
    assert "opk_" not in outcome.stdout + outcome.stderr
    assert keys_of_the_audit(watcher) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_audit_that_is_interrupted_removes_its_keys(
    service_project: ScratchProject,
    live_service: RunningService,
    watcher: psycopg.Connection[tuple[int]],
    number: signal.Signals,
) -> None:
    """By Ctrl-C or by SIGTERM, in the middle of a probe."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPSCTL_")}
    process = subprocess.Popen(
        [OPSCTL, "--project", service_project.root, "security", "audit", "--only", "SEC101"],
        env=environment | {"OPSCTL_SERVICE_URL": live_service.url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while keys_of_the_audit(watcher) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)

    process.send_signal(number)

    assert process.wait(timeout=60) == 130
    assert keys_of_the_audit(watcher) == 0


def test_an_empty_catalogue_is_told_once_before_the_probes_and_is_no_failure(
    service_project: ScratchProject, live_service: RunningService
) -> None:
    """Each probe of feeds could not tell, and says what to do."""
    empty = {"detail": "there is nothing to search yet (COL006)"}

    with running(Service(always(503, empty))) as url:
        outcome = run_opsctl(
            *("security", "audit", "--only", "SEC106", "--only", "SEC108"),
            folder=service_project.root,
            environment={"OPSCTL_SERVICE_URL": url},
        )

    assert outcome.exit_code == 5, outcome.stdout + outcome.stderr
    assert outcome.stderr.count("the catalogue is empty") == 1
    assert outcome.stdout.count("to tell: fill the catalogue, and ask again: opsctl catalog generate") == 2
