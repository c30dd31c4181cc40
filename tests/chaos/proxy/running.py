"""A proxy with upstreams behind it, in a thread of the test."""

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import httpx
from tests.chaos.proxy.upstreams import Upstream, echo

from opsctl.chaos.proxy.client import FaultProxy, ProxyState
from opsctl.chaos.proxy.plan import HOST, Protocol, ProxyPlan, ServerPlan
from opsctl.chaos.proxy.server import Running, new_event_loop, serve
from opsctl.chaos.proxy.toxics import Toxic

TIMEOUT_SECONDS = 3.0
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Rig:
    """Lines `http` and `tcp` to servers that work, and `dead` to a port where nobody listens.

    It fails where the loop has to complain of an exception that nobody took.
    """

    def __init__(self, make_loop: Callable[[], asyncio.AbstractEventLoop] = new_event_loop) -> None:
        self._make_loop = make_loop
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rig")
        self._closing = ExitStack()
        self._complaints: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        self.control = FaultProxy(self._running.control_url)
        self.client = self.new_client()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._closing.close()
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        assert kind or not self._complaints, self._complaints

    @property
    def control_url(self) -> str:
        """Return where the control listens."""
        return self._running.control_url

    def port_of(self, name: str) -> int:
        """Return where a line listens."""
        port: int = json.loads(self._running.as_json())["ports"][name]
        return port

    def new_client(self, line: str = "http", *, timeout: float = TIMEOUT_SECONDS) -> httpx.Client:
        """Return a client of a line, with connections of its own."""
        client = httpx.Client(
            base_url=f"http://{HOST}:{self.port_of(line)}",
            timeout=timeout,
            trust_env=False,
            verify=_NO_CERTIFICATES,
        )
        return self._closing.enter_context(client)

    def connect(self, line: str = "tcp") -> socket.socket:
        """Return a connection to a line."""
        sock = socket.create_connection((HOST, self.port_of(line)), timeout=TIMEOUT_SECONDS)
        return self._closing.enter_context(sock)

    def connect_and_talk(self) -> socket.socket:
        """Return a connection to the line of bytes that has carried something both ways."""
        sock = self.connect()
        sock.sendall(b"before")
        assert receive_exactly(sock, 6) == b"before"
        return sock

    def set(self, toxic: Toxic, *, line: str = "http", ttl_seconds: float = 30.0) -> None:
        """Put a toxic in force."""
        self.control.set(line, toxic.kind, toxic, ttl_seconds=ttl_seconds)

    def state(self, line: str = "http") -> ProxyState:
        """Return what the control tells of a line."""
        return next(each for each in self.control.proxies() if each.name == line)

    def in_loop(self, call: Callable[[], object]) -> None:
        """Call something in the loop of the servers."""
        self._loop.call_soon_threadsafe(call)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._make_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda _, complaint: self._complaints.append(complaint))
        self.upstream = Upstream()
        servers = [await asyncio.start_server(talk, HOST, 0) for talk in (self.upstream.talk, echo)]
        http_port, tcp_port = (server.sockets[0].getsockname()[1] for server in servers)
        with socket.socket() as nobody:
            nobody.bind((HOST, 0))  # bound and not listening: connects are refused
            lines = [
                _line("http", http_port, Protocol.HTTP),
                _line("tcp", tcp_port, Protocol.TCP),
                _line("dead", nobody.getsockname()[1], Protocol.TCP),
            ]
            plan = ServerPlan(control_port=0, proxies=tuple(lines))
            await serve(plan, over=self._over, on_ready=self._is_ready)
        self._loop.set_exception_handler(lambda *_: None)  # from here on it is the test's own that ends
        for server in servers:
            server.close()
        await _end_other_tasks()

    def _is_ready(self, running: Running) -> None:
        self._running = running
        self._ready.set()


def eventually(holds: Callable[[], bool], *, seconds: float = TIMEOUT_SECONDS) -> bool:
    """Tell whether something comes true soon."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    """Read so many bytes."""
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        assert part, "the connection has ended"
        data += part
    return data


def receive_all(sock: socket.socket) -> bytes:
    """Read to the end."""
    data = b""
    while part := sock.recv(65_536):
        data += part
    return data


def _line(name: str, upstream_port: int, protocol: Protocol) -> ProxyPlan:
    return ProxyPlan(
        name=name, listen_port=0, upstream_host=HOST, upstream_port=upstream_port, protocol=protocol
    )


async def _end_other_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for _ in range(10):
        await asyncio.sleep(0)  # transports close their sockets in the next turns of the loop
