"""The process listens on this machine only, and ends when it is told to or when nobody is left who wants it."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.proxy.running import eventually

from opsctl.chaos.proxy.client import FaultProxy
from opsctl.chaos.proxy.plan import HOST, read_plan
from opsctl.chaos.proxy.toxics import Down
from opsctl.clients.procfs import read_stat
from opsctl.core.errors import NotReadyError

PLAN: dict[str, Any] = {
    "control_port": 0,
    "proxies": [{"name": "vectors", "listen_port": 0, "upstream": "127.0.0.1:9", "protocol": "http"}],
}


class Starter:
    """Starts proxies and sees that none stays."""

    def __init__(self, config: Path, closing: ExitStack) -> None:
        self._config, self._closing = config, closing

    def start(self, *more: str, plan: Any = PLAN) -> subprocess.Popen[str]:
        """Start a process."""
        self._config.write_text(json.dumps(plan))
        argv = [sys.executable, "-m", "opsctl.chaos.proxy", "--config", str(self._config), *more]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._closing.enter_context(process)
        self._closing.callback(process.kill)
        return process


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Starter]:
    """Return what starts proxies."""
    with ExitStack() as closing:
        yield Starter(tmp_path / "proxy.json", closing)


def test_the_process_tells_its_ports_and_ends_on_sigterm(starter: Starter):
    """Also while a toxic is in force; the ports are free then."""
    process = starter.start()
    assert process.stdout is not None
    ports = json.loads(process.stdout.readline())
    control = FaultProxy(ports["control_url"])
    assert control.proxies()[0].listen_port == ports["ports"]["vectors"]
    control.set("vectors", "down", Down(), ttl_seconds=60)

    process.send_signal(signal.SIGTERM)

    assert process.wait(5) == 0
    with pytest.raises(NotReadyError):
        control.proxies()


def test_the_process_ends_with_the_one_that_wanted_it(starter: Starter):
    """Killed, so that it could not say anything."""
    parent = subprocess.Popen(["sleep", "60"])
    stat = read_stat(parent.pid)
    assert stat is not None
    process = starter.start("--parent-pid", f"{parent.pid}:{stat.start_ticks}")
    assert process.stdout is not None
    assert process.stdout.readline()

    parent.kill()
    parent.wait()

    assert process.wait(5) == 0


def test_a_parent_that_was_another_process_ends_it_at_once(starter: Starter):
    """The pid lives, but it began at another time."""
    parent = subprocess.Popen(["sleep", "60"])
    try:
        process = starter.start("--parent-pid", f"{parent.pid}:1")

        assert process.wait(5) == 0
    finally:
        parent.kill()
        parent.wait()


def test_a_taken_port_is_told(starter: Starter):
    """Nothing runs then."""
    with socket.create_server((HOST, 0)) as taken:
        process = starter.start(plan={**PLAN, "control_port": taken.getsockname()[1]})

        assert process.wait(5) == 1

    assert process.stderr is not None
    assert "cannot listen" in process.stderr.read()


def test_another_machine_is_refused_by_the_process(starter: Starter):
    """With the usual status of a wrong command line."""
    line = {**PLAN["proxies"][0], "upstream": "10.0.0.1:6333"}
    process = starter.start(plan={**PLAN, "proxies": [line]})

    assert process.wait(5) == 2
    assert process.stderr is not None
    assert "`upstream` of `vectors` is '10.0.0.1', not loopback" in process.stderr.read()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"listen_host": "192.168.1.1"}, "`listen_host` of `vectors` is '192.168.1.1', not loopback"),
        ({"listen_host": "example.com"}, "not loopback"),
        ({"upstream": "192.168.1.2:80"}, "not loopback"),
        ({"upstream": "9"}, "not loopback"),
        ({"upstream": "127.0.0.1:x"}, "`upstream of vectors` is 'x', not a port"),
        ({"upstream": "127.0.0.1:0"}, "not a port"),
        ({"listen_port": 9}, "would be its own upstream"),
        ({"listen_port": True}, "not a port"),
        ({"protocol": "udp"}, "`protocol` of `vectors` is 'udp', not one of `http`, `tcp`"),
        ({"protocol": ["http"]}, "not one of"),
        ({"name": "../x"}, "`name` of a proxy is '../x'"),
        ({"host": "x"}, "a proxy has no `host`; it has: listen_host"),
    ],
)
def test_a_wrong_line_is_refused_in_words(change: dict[str, Any], words: str):
    """Each wrong value by its name."""
    document = {**PLAN, "proxies": [{**PLAN["proxies"][0], **change}]}

    with pytest.raises(ValueError, match=re.escape(words)):
        read_plan(json.dumps(document))


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"control_port": 1},
        {"control_port": 1, "proxies": []},
        {**PLAN, "more": 1},
        {**PLAN, "proxies": PLAN["proxies"] * 2},
        {"proxies": PLAN["proxies"]},
        {**PLAN, "proxies": [1]},
    ],
)
def test_a_wrong_plan_is_refused(document: Any):
    """Whatever it is."""
    with pytest.raises(ValueError, match=r"."):
        read_plan(json.dumps(document))


def test_localhost_and_ipv6_are_this_machine():
    """Written as people write them."""
    upstreams = ["localhost:6333", "[::1]:6333", "127.0.0.2:6333"]
    lines = [{**PLAN["proxies"][0], "name": f"l{n}", "upstream": each} for n, each in enumerate(upstreams)]

    plan = read_plan(json.dumps({**PLAN, "proxies": lines}))

    assert [each.upstream_host for each in plan.proxies] == ["127.0.0.1", "::1", "127.0.0.2"]


def test_a_dead_upstream_is_no_reason_to_end(starter: Starter):
    """The line is reset, the process goes on."""
    process = starter.start()
    assert process.stdout is not None
    ports = json.loads(process.stdout.readline())
    control = FaultProxy(ports["control_url"])

    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection((HOST, ports["ports"]["vectors"]), timeout=3) as sock,
    ):
        sock.recv(1)

    assert eventually(lambda: control.proxies()[0].upstream_failures == 1)
    assert process.poll() is None
