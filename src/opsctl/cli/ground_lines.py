"""What lies between the service of a ground and what it depends on: a fault proxy with a line for each."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.ground_helpers import MODEL, PROXY, REDIS, GroundHelpers, parent_words
from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from opsctl.chaos.proxy.client import FaultProxy, ProxyState, ToxicState
    from opsctl.chaos.proxy.toxics import Toxic

_MODEL_LATENCY_MS = 20


class GroundLines:
    """The lines of a ground; where they are stands in a file, so that the watchdog finds them too.

    Args:
        toxic_seconds: a toxic that nobody renews ends by itself after so long, should even the watchdog be gone.
    """

    def __init__(self, helpers: GroundHelpers, *, toxic_seconds: float = 600.0) -> None:
        self._helpers = helpers
        self._toxic_seconds = toxic_seconds

    @property
    def _path(self) -> Path:
        return self._helpers.folder / "lines.json"

    def start(self, upstreams: dict[str, str]) -> dict[str, str]:
        """Put a line before each `host:port` and return the `host:port` to use instead, by name."""
        from opsctl.clients.files import write_atomically
        from opsctl.stack.ports import choose_port

        owner = str(self._helpers.folder)
        ports = {name: choose_port(owner=f"{owner}:{name}") for name in ("control", *upstreams)}
        config = {
            "control_port": ports["control"],
            "proxies": [
                {
                    "name": name,
                    "listen_port": ports[name],
                    "upstream": upstream,
                    "protocol": "http" if name in {"vectors", "model"} else "tcp",
                }
                for name, upstream in upstreams.items()
            ],
        }
        self._helpers.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps(config))
        self._helpers.start_own(
            PROXY,
            "opsctl.chaos.proxy",
            *("--config", str(self._path)),
            *("--parent-pid", parent_words()),
            is_ready=self._answers,
        )
        return {name: f"127.0.0.1:{ports[name]}" for name in upstreams}

    def start_redis(self) -> str | None:
        """Start a Redis of the ground and return its `host:port`; None where this machine has none."""
        import shutil

        from opsctl.stack.ports import choose_port, is_free

        program = shutil.which("redis-server") or shutil.which("valkey-server")
        if program is None:
            return None
        port = choose_port(owner=f"{self._helpers.folder}:{REDIS}")
        self._helpers.start(
            REDIS,
            program,
            *("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
            *("--dir", str(self._helpers.folder), "--maxmemory", "256mb"),
            is_ready=lambda: not is_free(port),
        )
        return f"127.0.0.1:{port}"

    def start_model(self) -> str:
        """Start a simulated scoring model and return its `host:port`."""
        from opsctl.stack.ports import choose_port, is_free

        port = choose_port(owner=f"{self._helpers.folder}:{MODEL}")
        self._helpers.start_own(
            MODEL,
            "opsctl.service.scoring.simulated",
            *("--port", str(port), "--latency-ms", str(_MODEL_LATENCY_MS)),
            is_ready=lambda: not is_free(port),
        )
        return f"127.0.0.1:{port}"

    def disturb(self, line: str, toxic: "Toxic", *, by: str) -> None:
        """Spoil a line, for the fault of this code.

        Raises:
            NotReadyError: CHA062 there is no such line on this ground, or the proxy does not answer.
        """
        self._require(line)
        self._proxy().set(line, by.lower(), toxic, ttl_seconds=self._toxic_seconds)

    def calm(self, line: str, *, by: str) -> None:
        """Let a line be as it was before this fault; a proxy that is gone spoils nothing."""
        if self._has(line) and PROXY in self._helpers.living():
            self._proxy().clear(line, by.lower())

    def renew(self) -> None:
        """Let each toxic last as long as one that is set now."""
        for line, toxic in self.toxics():
            self._proxy().renew(line, toxic, ttl_seconds=self._toxic_seconds)

    def toxics(self) -> "dict[tuple[str, str], ToxicState]":
        """Return what is in force, by line and name."""
        return {(line.name, toxic.name): toxic for line in self.states() for toxic in line.toxics}

    def spoiled(self) -> tuple[str, ...]:
        """Return the lines on which a toxic is in force."""
        return tuple(dict.fromkeys(line for line, _ in self.toxics()))

    def calls(self) -> dict[str, int]:
        """Return how many requests each line that speaks HTTP has carried."""
        return {line.name: line.calls for line in self.states() if line.protocol == "http"}

    def states(self) -> "tuple[ProxyState, ...]":
        """Return what each line says of itself; nothing where there are none."""
        if not self._path.is_file() or PROXY not in self._helpers.living():
            return ()
        return self._proxy().proxies()

    def _proxy(self) -> "FaultProxy":
        from opsctl.chaos.proxy.client import FaultProxy

        control = json.loads(self._path.read_text(encoding="utf-8"))["control_port"]
        return FaultProxy(f"http://127.0.0.1:{control}")

    def _answers(self) -> bool:
        from opsctl.core.errors import OpsError

        try:
            self._proxy().proxies()
        except OpsError:
            return False
        return True

    def _has(self, line: str) -> bool:
        if not self._path.is_file():
            return False
        known = json.loads(self._path.read_text(encoding="utf-8"))["proxies"]
        return any(each["name"] == line for each in known)

    def _require(self, line: str) -> None:
        if not self._has(line):
            raise NotReadyError(
                f"there is no line to `{line}` on this ground",
                code="CHA062",
                why="the shared cache is a file here" if line == "l2" else None,
                fix="install redis-server, so that L2 has a line: apt-get install redis-server"
                if line == "l2"
                else "hold the drill with `opsctl chaos run`",
            )
