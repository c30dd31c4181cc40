"""What does a call cost more when the fault proxy stands in the line, without and with a toxic that never hits?

    python -m tests.benchmarks.proxy_overhead [--turns 20] [--calls 300] [--seconds 2]

A client asks a small server one call after the other, directly and through the proxy in turns; the difference of the
medians is what the proxy adds. Then 32 connections ask as fast as they can; the processor time of the proxy's process a
call tells how many calls one core carries, whatever else this machine does.
"""

import argparse
import asyncio
import json
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import psutil
from tests.benchmarks.rows import Spread, at_least, at_most, tell

from opsctl.chaos.proxy.client import FaultProxy
from opsctl.chaos.proxy.plan import HOST
from opsctl.chaos.proxy.server import new_event_loop
from opsctl.chaos.proxy.toxics import Fail
from opsctl.vectors.statistics import MINIMUM_BLOCKS, ratio_of_quantiles

MOST_ADDED_MILLISECONDS = 0.5
LEAST_CALLS_A_CORE = 3_000
_CONNECTIONS = 32
_BODY = b'{"result": {"points": [%s]}}' % b", ".join(b'{"id": %d, "score": 0.5}' % n for n in range(20))
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
_CALL = (
    b"POST /collections/feed/points/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 256\r\n\r\n"
    + bytes(256)
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """The same server, directly and through the proxy."""

    direct_port: int
    proxied_port: int
    control: FaultProxy
    process: psutil.Process


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    if arguments.upstream:
        asyncio.Runner(loop_factory=new_event_loop).run(_answer_for_ever())
        return
    with _line() as line:
        print(
            f"{platform.processor() or platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
        )
        print(f"one call after the other, {arguments.turns} turns of {arguments.calls} each, medians")
        _print_latency(line, arguments, name="no toxic")
        line.control.set("line", "elsewhere", Fail(status=500, path_contains="/elsewhere"), ttl_seconds=900)
        _print_latency(line, arguments, name="a toxic elsewhere")
        line.control.clear()
        _print_throughput(line, arguments)


def _print_latency(line: Line, arguments: argparse.Namespace, *, name: str) -> None:
    direct, proxied = (np.empty((arguments.turns, arguments.calls)) for _ in range(2))
    with _connected(line.direct_port) as near, _connected(line.proxied_port) as far:
        for sock in (near, far):
            _milliseconds(sock, arguments.calls)  # not counted: caches of the processor and of Python fill
        for number in range(arguments.turns):
            pairs = [(near, direct), (far, proxied)]
            for sock, seen in pairs if number % 2 == 0 else reversed(pairs):
                seen[number] = _milliseconds(sock, arguments.calls)
    ratio = ratio_of_quantiles(proxied, direct, 0.5, seed=7)
    if ratio is None:
        raise SystemExit(f"at least {MINIMUM_BLOCKS} turns make an interval")
    added = float(np.median(proxied) - np.median(direct))
    row = tell(
        "proxy_overhead",
        f"what the proxy adds to a call, {name}",
        added,
        unit="ms",
        against="the same call directly",
        target=at_most(MOST_ADDED_MILLISECONDS),
    )
    tell(
        "proxy_overhead",
        f"a call through the proxy, {name}",
        Spread(value=ratio.value, least=ratio.low, most=ratio.high, is_interval=True),
        unit="x",
        against="the same call directly",
    )
    tails = [float(np.quantile(each, 0.99)) for each in (direct, proxied)]
    print(
        f"  {name:18} direct {np.median(direct):.3f} ms, proxied {np.median(proxied):.3f} ms: "
        f"{ratio.value:.2f} times ({ratio.low:.2f} to {ratio.high:.2f}), {added:.3f} ms more; "
        f"p99 {tails[0]:.3f} and {tails[1]:.3f} ms   at most {MOST_ADDED_MILLISECONDS} ms more: {row.verdict}"
    )


def _print_throughput(line: Line, arguments: argparse.Namespace) -> None:
    rates = {}
    cpu_microseconds = 0.0
    for name, port in (("direct", line.direct_port), ("proxied", line.proxied_port)):
        before = _cpu_seconds(line.process)
        calls = asyncio.Runner(loop_factory=new_event_loop).run(_ask_all(port, seconds=arguments.seconds))
        rates[name] = calls / arguments.seconds
        cpu_microseconds = (_cpu_seconds(line.process) - before) / calls * 1e6
    a_core = 1e6 / cpu_microseconds
    row = tell(
        "proxy_overhead",
        "calls that one core of the proxy carries",
        a_core,
        unit="calls/s",
        target=at_least(LEAST_CALLS_A_CORE),
    )
    print(f"{_CONNECTIONS} connections as fast as they can, {arguments.seconds} s each, all on this machine")
    print(
        f"  direct {rates['direct']:,.0f} calls/s, proxied {rates['proxied']:,.0f} calls/s; the proxy takes "
        f"{cpu_microseconds:.0f} us of CPU a call: {a_core:,.0f} calls/s on one core   "
        f"at least {LEAST_CALLS_A_CORE:,}: {row.verdict}"
    )


def _milliseconds(sock: socket.socket, calls: int) -> list[float]:
    seen = []
    for _ in range(calls):
        began = time.perf_counter()
        sock.sendall(_CALL)
        left = len(_ANSWER)
        while left:
            if not (part := sock.recv(left)):
                raise SystemExit("the connection has ended")
            left -= len(part)
        seen.append((time.perf_counter() - began) * 1000)
    return seen


async def _ask_all(port: int, *, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    return sum(await asyncio.gather(*(_ask(port, deadline=deadline) for _ in range(_CONNECTIONS))))


async def _ask(port: int, *, deadline: float) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    calls = 0
    while time.monotonic() < deadline:
        writer.write(_CALL)
        await reader.readexactly(len(_ANSWER))
        calls += 1
    writer.close()
    return calls


class _Answering(asyncio.Protocol):
    """The least that can answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._received = cast("asyncio.Transport", transport), 0

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        while self._received >= len(_CALL):
            self._received -= len(_CALL)
            self._transport.write(_ANSWER)


async def _answer_for_ever() -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def _line() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        upstream, said = _start("tests.benchmarks.proxy_overhead", "--upstream")
        proxied = {"name": "line", "listen_port": 0, "upstream": f"{HOST}:{int(said)}", "protocol": "http"}
        config = Path(folder) / "proxy.json"
        config.write_text(json.dumps({"control_port": 0, "proxies": [proxied]}))
        process, told = _start("opsctl.chaos.proxy", "--config", str(config))
        running = json.loads(told)
        try:
            yield Line(
                direct_port=int(said),
                proxied_port=running["ports"]["line"],
                control=FaultProxy(running["control_url"]),
                process=psutil.Process(process.pid),
            )
        finally:
            for each in (process, upstream):
                each.terminate()
                each.wait()


def _start(module: str, *more: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-m", module, *more], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline()


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection((HOST, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--upstream", action="store_true", help="be the server that is asked")
    return parser.parse_args()


if __name__ == "__main__":
    main()
