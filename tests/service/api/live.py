"""A service that answers on loopback: the one of `served.py`, or another one that the environment names."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.service.api.served import FOLDER_VARIABLE, KEY

_START_DEADLINE_SECONDS = 30
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveService:
    """Where a service answers, and a key of it that may do everything and is not limited."""

    url: str
    key: str = field(repr=False)

    def client(self) -> httpx.Client:
        """Return a client that sends the key."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)


@contextmanager
def running_service(folder: Path) -> Iterator[LiveService]:
    """Start granian with the edge and the API over a service in memory, and end it by its pid."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "service.log"
    command = [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "tests.service.api.served:make_served"),
    ]
    environment = os.environ | {FOLDER_VARIABLE: str(folder), "PYTHONPATH": f"{_ROOT}:{_ROOT / 'src'}"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        service = LiveService(url=f"http://127.0.0.1:{port}", key=KEY)
        _wait_until_ready(service, process, log)
        yield service
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(service: LiveService, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_DEADLINE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{service.url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the service did not get ready:\n{log.read_text()}")
