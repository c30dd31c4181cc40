"""A project of its own for a test or a benchmark: catalogue, readers, derived collections, its service run and ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
OPSCTL = Path(sys.executable).with_name("opsctl")
# Changes of the service's book for tests that ask whether an answer is right, not whether it came in time.
PATIENT: dict[str, Any] = {
    "limits": {"request_seconds": 60, "body_seconds": 60},
    "keys": {"remembered": "10m"},
    # Two feeds in a thousand would come from a lower tier, and surprise a test once a week.
    "resilience": {"exercise_share": 0},
}


class ScratchProject:
    """Runs opsctl's commands in a folder, and its service with changed books."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._books = {name: self._read(name) for name in ("service", "cache")}

    def opsctl(self, *words: str) -> Any:
        """Run a command with `--json` and return its data."""
        done = subprocess.run(
            [OPSCTL, "--project", self.root, *words, "--json"],
            env=_environment(self.root),
            stdout=subprocess.PIPE,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"opsctl {' '.join(words)} ended with {done.returncode}\n{done.stdout}")
        return json.loads(done.stdout)["data"]

    def change_books(self, **changes: dict[str, Any]) -> None:
        """Write the books as they were, with these changes: `cache={"l1": {"enabled": False}}`."""
        for name, values in self._books.items():
            path = self.root / "ops" / f"{name}.yaml"
            path.write_text(yaml.safe_dump(_merged(values, changes.get(name, {}))))

    @contextmanager
    def service(
        self, *, port: int, environment: Mapping[str, str] | None = None
    ) -> Iterator["RunningService"]:
        """Run `opsctl serve` until the block ends."""
        log = (self.root / "serve.log").open("ab")
        process = subprocess.Popen(
            [OPSCTL, "--project", self.root, "serve", "--port", str(port)],
            env=_environment(self.root) | dict(environment or {}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        running = RunningService(process=process, port=port, log=self.root / "serve.log")
        try:
            running.wait_until_ready()
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
            log.close()

    def _read(self, name: str) -> dict[str, Any]:
        loaded = yaml.safe_load((self.root / "ops" / f"{name}.yaml").read_text())
        return dict(loaded or {})


class RunningService:
    """A service that answers at a port of this machine."""

    def __init__(self, *, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.url = f"http://127.0.0.1:{port}"

    def wait_until_ready(self, *, seconds: float = 180.0) -> None:
        """Return when it is ready."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"the service ended while it started:\n{self.log.read_text()[-4000:]}")
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise SystemExit(f"the service did not get ready:\n{self.log.read_text()[-4000:]}")

    def metrics(self) -> Samples:
        """Return every sample of `/metrics` by name and sorted labels."""
        from prometheus_client.parser import text_string_to_metric_families

        text = httpx.get(f"{self.url}/metrics", timeout=120).text
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def resident_bytes(self) -> int:
        """Return the resident memory of the service's processes together."""
        import psutil

        parent = psutil.Process(self.process.pid)
        return sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True)))


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(root: Path) -> dict[str, str]:
    """Return an environment that holds nothing of the caller's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPSCTL_", "XDG_"))}
    return clean | {"OPSCTL_COLOR": "never", "HOME": str(root)}


def _merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in changes.items():
        merged[key] = _merged(merged.get(key) or {}, value) if isinstance(value, dict) else value
    return merged


def init_project(folder: Path) -> ScratchProject:
    """Make a project with the starter books."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [OPSCTL, "--project", folder, "--quiet", "init"],
        env=_environment(folder),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return ScratchProject(folder)


@contextmanager
def scratch_project(folder: Path, *, items: int, users: int) -> Iterator[ScratchProject]:
    """Make a project with a generated catalogue and simulated readers; its stack is stopped at the end."""
    project = init_project(folder)
    try:
        project.opsctl("stack", "up", "postgres", "vectors")
        project.opsctl("catalog", "generate", "--items", str(items), "--seed", "7")
        project.opsctl("catalog", "readers", "--users", str(users), "--seed", "7")
        project.opsctl("collections", "rebuild", "--watch", "0s")
        yield project
    finally:
        project.opsctl("stack", "down")
