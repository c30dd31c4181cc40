"""The simulated scoring model as a process of its own, ended by its pid."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

_START_DEADLINE_SECONDS = 30


class SimulatedModel:
    """A running stand-in."""

    def __init__(self, *arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        command = [sys.executable, "-m", "opsctl.service.scoring.simulated", "--port", str(self._port)]
        self._process = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL)

    @property
    def root(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """What belongs into the book."""
        return f"{self.root}/v1"

    def stats(self) -> dict[str, Any]:
        """Return what it counted."""
        counted: dict[str, Any] = httpx.get(f"{self.root}/stats", timeout=10).json()
        return counted

    def wait(self) -> None:
        """Return when it is ready."""
        deadline = time.monotonic() + _START_DEADLINE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.root}/healthz", timeout=10).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise RuntimeError("the simulated model did not start")

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


@contextmanager
def simulated_model(*arguments: str) -> Iterator[SimulatedModel]:
    """Start one, and end it afterwards."""
    model = SimulatedModel(*arguments)
    try:
        model.wait()
        yield model
    finally:
        model.stop()
