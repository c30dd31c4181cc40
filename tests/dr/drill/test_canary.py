"""The canary keeps its pace, writes down what it sends before it does, and believes only what was promised."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from opsctl.dr.drill.canary import CONTENT, FIRST_ID, INTERACTIONS, KEY_VARIABLE, interaction_key
from opsctl.dr.drill.canary_log import CanaryStory, read_canary_log

PER_SECOND = 40.0
SECONDS = 2.0


class Service(BaseHTTPRequestHandler):
    """A service that keeps items, and promises of interactions what their number says."""

    seen: ClassVar[list[tuple[str, str]]] = []
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Keep every item but those that end in 5."""
        self._read()
        self.seen.append((self.path, self.headers["authorization"]))
        self._answer(500 if self.path.endswith("5") else 200, b"{}")

    def do_POST(self) -> None:
        """Promise what is accepted and what is repeated; answer the rest with something else."""
        key = json.loads(self._read())["interactions"][0]["idempotency_key"]
        number = int(key.rpartition("-")[2])
        answers = [
            {"accepted": [key]},
            {"accepted": [], "repeated": [key]},
            {"accepted": [], "refused": [key]},
            [key],
            "no JSON",
        ]
        answer = answers[number % 5]
        self._answer(200, b"<html>" if answer == "no JSON" else json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def _read(self) -> bytes:
        return self.rfile.read(int(self.headers["content-length"]))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def service() -> Iterator[str]:
    """Run the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def canary(log: Path, url: str, *, parent: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the canary as the drill does."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "opsctl.dr.drill.canary", str(log), "--url", url, "--run", "ab"),
            *("--per-second", str(PER_SECOND), "--vendor", "7", "--parent", str(parent)),
        ],
        env={**os.environ, KEY_VARIABLE: "secret"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> CanaryStory:
    """Let it write for two seconds, and kill it."""
    log = tmp_path_factory.mktemp("canary") / "log.jsonl"
    with service() as url, canary(log, url, parent=os.getpid()):
        while not log.is_file() or not log.stat().st_size:
            time.sleep(0.02)
        time.sleep(SECONDS)
    return read_canary_log(log)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [CONTENT, INTERACTIONS])
def test_numbers_go_from_one_on_without_a_gap_and_no_faster_than_was_asked_for(
    story: CanaryStory, stream: str
):
    """So a missing number is a row that is missing; four senders share them, and none of them hurries after a delay."""
    sent, acknowledged = story.sent[stream], story.acknowledged[stream]

    assert sent == set(range(1, max(sent) + 1))
    seconds = acknowledged[-1].at - acknowledged[0].at
    # One is under way for each of the four senders, whose answers may come together.
    assert abs(acknowledged[-1].number - acknowledged[0].number) <= PER_SECOND * seconds + 2 * 4


def test_only_what_was_promised_is_acknowledged(story: CanaryStory):
    """An answer 200 that says something else promises nothing, and does not end the canary."""
    items = {row.number for row in story.acknowledged[CONTENT]}
    interactions = {row.number for row in story.acknowledged[INTERACTIONS]}

    assert items
    assert not [number for number in items if number % 10 == 5]
    assert {number % 5 for number in interactions} == {0, 1}
    assert max(story.sent[INTERACTIONS]) - max(interactions) <= 5 + 4
    assert items <= story.sent[CONTENT]
    assert interactions <= story.sent[INTERACTIONS]


def test_it_sends_as_clients_do(story: CanaryStory):
    """With its key, and items far from the ids that the database hands out."""
    assert story.sent
    assert {key for _, key in Service.seen} == {"Bearer secret"}
    assert Service.seen[0][0].startswith(f"/v1/content/{FIRST_ID // 1000}")
    assert interaction_key("ab", 7) == "canary-ab-7"


def test_it_ends_with_its_parent(tmp_path: Path):
    """A drill that is killed leaves nobody behind who writes."""
    with (
        service() as url,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent,
        canary(tmp_path / "log", url, parent=parent.pid) as process,
    ):
        parent.kill()
        parent.wait()

        assert process.wait(timeout=30) == 0


def test_a_service_that_is_gone_acknowledges_nothing_and_the_canary_goes_on(tmp_path: Path):
    """What was sent stands in the log all the same."""
    log = tmp_path / "log"
    with canary(log, "http://127.0.0.1:9", parent=os.getpid()):
        while not log.is_file() or len(log.read_bytes().splitlines()) < 20:
            time.sleep(0.02)

    story = read_canary_log(log)
    assert not story.acknowledged
    assert len(story.sent[CONTENT]) >= 5
