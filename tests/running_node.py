"""A vector node as its own process, started on a free port and ended by its pid."""

import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from qdrant_client import QdrantClient

_START_DEADLINE_SECONDS = 30


@dataclass(slots=True, kw_only=True)
class RunningNode:
    """A running vector node; `restart` brings it back on the same port and directory."""

    port: int
    data_dir: Path
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes]
    clients: list[QdrantClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> QdrantClient:
        """Return Qdrant's own client for this node; `end` closes it."""
        # Without the version check: its thread would complain after the test that killed the node.
        client = QdrantClient(url=self.url, timeout=60, check_compatibility=False)
        self.clients.append(client)
        return client

    def http(self) -> httpx.Client:
        """Return a plain HTTP client for this node."""
        return httpx.Client(base_url=self.url, timeout=60)

    def get(self, path: str) -> httpx.Response:
        """Ask for one path."""
        return httpx.get(self.url + path, timeout=60)

    def kill(self) -> None:
        """End the front with kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it gracefully; return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)

    def end(self) -> None:
        """Close the clients that it gave out, and stop it if it runs."""
        while self.clients:
            self.clients.pop().close()
        if self.process.poll() is None:
            self.stop()

    def restart(self) -> None:
        """Start it again after an end."""
        self.process = _launch(self.port, data_dir=self.data_dir, arguments=self.arguments)
        _wait_until_ready(self)


def start_node(data_dir: Path, *arguments: str) -> RunningNode:
    """Start a vector node and wait until it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = _launch(port, data_dir=data_dir, arguments=arguments)
    node = RunningNode(port=port, data_dir=data_dir, arguments=arguments, process=process)
    _wait_until_ready(node)
    return node


def _launch(port: int, *, data_dir: Path, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "opsctl.stack.vector_node", "--port", str(port), "--data", str(data_dir)]
    with (data_dir.parent / f"{data_dir.name}.log").open("ab") as log:
        return subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _wait_until_ready(node: RunningNode) -> None:
    deadline = time.monotonic() + _START_DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if node.process.poll() is not None:
            break
        try:
            if httpx.get(f"{node.url}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    node.process.kill()
    node.process.wait()
    log = (node.data_dir.parent / f"{node.data_dir.name}.log").read_text()
    raise RuntimeError(f"the vector node did not get ready:\n{log}")
