"""Keys are rotated and revoked while their clients ask: on the machine of the operator, and on another one.

The other machine is a project of its own with the same database and vectors: what the operator's commands tell the
workers of their machine, it does not hear.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.cli.command import run_opsctl
from tests.scratch_project import PATIENT, RunningService, ScratchProject, free_port, init_project

from opsctl.stack.status import stack_status

pytestmark = pytest.mark.stack

REMEMBERED_SECONDS = 2
_CLIENTS = 4


@dataclass
class Operator:
    """Runs `opsctl security keys` on a machine without a service."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    def keys(self, *words: str) -> Any:
        """Run a verb and return its data."""
        outcome = run_opsctl(
            *("security", "keys", *words, "--json"), folder=self.folder, environment=self.environment
        )
        assert outcome.exit_code == 0, outcome.stderr
        return json.loads(outcome.stdout)["data"]


@pytest.fixture(scope="module")
def environment(service_project: ScratchProject) -> dict[str, str]:
    """Return what leads another machine to the servers of the project."""
    state = stack_status(service_project.root / ".opsctl")
    assert state.database_url is not None
    assert state.vectors_url is not None
    return {
        "OPSCTL_DATABASE_URL": state.database_url,
        "OPSCTL_DATABASE_PASSWORD": state.database_password_file.read_text().strip(),
        "OPSCTL_QDRANT_URL": state.vectors_url,
    }


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Operator:
    """Give an operator whose book says what the service's does."""
    folder = tmp_path_factory.mktemp("operator")
    (folder / "ops").mkdir()
    book = {"keys": {"remembered": f"{REMEMBERED_SECONDS}s"}}
    (folder / "ops" / "service.yaml").write_text(yaml.safe_dump(book))
    return Operator(folder, environment)


@pytest.fixture(scope="module")
def other_machine(open_folder: Path, environment: dict[str, str]) -> Iterator[RunningService]:
    """Run the service with two workers in a project of its own."""
    project = init_project(open_folder / "other-machine")
    project.change_books(
        service={"workers": 2} | PATIENT | {"keys": {"remembered": f"{REMEMBERED_SECONDS}s"}}
    )
    with project.service(port=free_port(), environment=environment) as service:
        yield service


class Load:
    """Clients that ask without a pause, each request on a new connection, so that it may meet any worker."""

    def __init__(self, url: str, key: str) -> None:
        self.key = key
        self.answers: list[tuple[float, int, str]] = []
        """When each was asked, its status, and the key that asked."""
        self._url = url
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask until the block ends."""
        with ThreadPoolExecutor(_CLIENTS) as threads:
            clients = [threads.submit(self._ask) for _ in range(_CLIENTS)]
            try:
                yield
            finally:
                self._over.set()
            for client in clients:
                client.result()

    def last_accepted(self, key: str) -> float:
        """Return when this key was last good."""
        return max(at for at, status, asked_with in self.answers if asked_with == key and status == 200)

    def _ask(self) -> None:
        for path in itertools.cycle(("/v1/feed/11", "/v1/trending")):
            if self._over.is_set():
                return
            key, at = self.key, time.monotonic()
            headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
            answer = httpx.get(f"{self._url}{path}", headers=headers, timeout=120)
            self.answers.append((at, answer.status_code, key))


def wait_until(is_so: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Return as soon as it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.02)


@pytest.mark.drill
def test_a_rotation_refuses_no_request_of_a_client_that_switches_in_time(
    operator: Operator, other_machine: RunningService
) -> None:
    """Under load on two workers: not one refusal before the end of the overlap, and afterwards the old key is no good."""
    made = operator.keys("create", "--name", "shop", "--plan", "bench")
    load = Load(other_machine.url, made["key"])

    with load.running():
        wait_until(lambda: len(load.answers) >= 20)
        rotation = operator.keys("rotate", made["record"]["prefix"], "--overlap", "4s")
        rotated = time.monotonic()
        asked_before = len(load.answers)
        wait_until(lambda: len(load.answers) >= asked_before + 20)
        load.key = rotation["key"]
        time.sleep(max(0.0, rotated + rotation["old_refused_within_seconds"] - time.monotonic()))

    assert {status for _, status, _ in load.answers} == {200}
    assert {key for _, _, key in load.answers} == {made["key"], rotation["key"]}
    old = {"Authorization": f"Bearer {made['key']}", "Connection": "close"}
    after = [httpx.get(f"{other_machine.url}/v1/trending", headers=old, timeout=120) for _ in range(8)]
    assert {(each.status_code, each.json()["detail"]) for each in after} == {
        (401, "the time of the key has passed")
    }


@pytest.mark.drill
def test_a_revocation_holds_on_another_machine_within_the_seconds_that_the_command_states(
    operator: Operator, other_machine: RunningService
) -> None:
    """Measured on both of its workers under load; what no worker was told, each finds out by asking the database."""
    made = operator.keys("create", "--name", "stolen", "--plan", "bench")
    load = Load(other_machine.url, made["key"])

    with load.running():
        wait_until(lambda: len(load.answers) >= 40)
        done = operator.keys("revoke", made["record"]["prefix"])
        revoked = time.monotonic()
        time.sleep(done["holds_within_seconds"] + 0.5)

    late = [at for at, status, _ in load.answers if status == 200 and at > revoked]
    assert done["holds_within_seconds"] == REMEMBERED_SECONDS
    assert load.last_accepted(made["key"]) - revoked <= REMEMBERED_SECONDS, f"{len(late)} were answered"
    assert {status for at, status, _ in load.answers if at > revoked + REMEMBERED_SECONDS} == {401}


@pytest.mark.slow
def test_on_the_operators_own_machine_the_old_key_ends_at_once(
    service_project: ScratchProject, live_service: RunningService
) -> None:
    """Its workers remember keys for ten minutes, but hear of a rotation without overlap before the next request."""
    made = service_project.opsctl("security", "keys", "create", "--name", "own", "--plan", "bench")
    load = Load(live_service.url, made["key"])

    with load.running():
        wait_until(lambda: len(load.answers) >= 40)
        rotation = service_project.opsctl(
            "security", "keys", "rotate", made["record"]["prefix"], "--overlap", "0s"
        )
        rotated = time.monotonic()
        asked_before = len(load.answers)
        wait_until(lambda: len(load.answers) >= asked_before + 20)
        load.key = rotation["key"]
        asked_before = len(load.answers)
        wait_until(lambda: len(load.answers) >= asked_before + 20)

    assert {status for at, status, key in load.answers if at > rotated and key == made["key"]} == {401}
    assert {status for _, status, key in load.answers if key == rotation["key"]} == {200}
