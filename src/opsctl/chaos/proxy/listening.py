"""How does one proxy listen, refuse, and know its connections."""

import asyncio
import socket
from typing import Any

from opsctl.chaos.proxy.forward import BytesPair, Line, Pair
from opsctl.chaos.proxy.forward_http import HttpPair
from opsctl.chaos.proxy.in_force import InForce, describe, seconds_to_turn
from opsctl.chaos.proxy.plan import Protocol, ProxyPlan
from opsctl.chaos.proxy.valve import Counts

_BACKLOG = 1024
_MOST_CONNECTIONS = 4096
_ACCEPTED_AT_ONCE = 64
_AGAIN_SECONDS = 0.05


class Proxy:
    """One line of a plan, from `open` to `close`."""

    def __init__(self, plan: ProxyPlan, *, loop: asyncio.AbstractEventLoop) -> None:
        self.plan, self._loop = plan, loop
        self.force, self.counts = InForce(loop, on_change=self._apply_toxics), Counts()
        self._line = Line(
            upstream_host=plan.upstream_host,
            upstream_port=plan.upstream_port,
            force=self.force,
            counts=self.counts,
        )
        self._pairs: dict[asyncio.Task[None], Pair] = {}
        self._listener: socket.socket | None = None
        self._placeholder: socket.socket | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self.port = 0

    def open(self) -> None:
        """Take the port, and listen until told otherwise.

        Raises:
            OSError: the port is taken.
        """
        self._placeholder = self._bind(self.plan.listen_port)
        self.port = self._placeholder.getsockname()[1]
        self._listen()

    async def close(self) -> None:
        """Cut all connections and give the port back."""
        self.force.clear()
        if self._next_look is not None:
            self._next_look.cancel()
        self._refuse()
        for pair in self._pairs.values():
            pair.cut()
        await asyncio.gather(*self._pairs, return_exceptions=True)
        if self._placeholder is not None:
            self._placeholder.close()

    def describe(self) -> dict[str, Any]:
        """Return its state for JSON."""
        now = self.force.now()
        return {
            "name": self.plan.name,
            "listen_port": self.port,
            "upstream": f"{self.plan.upstream_host}:{self.plan.upstream_port}",
            "protocol": self.plan.protocol.value,
            "is_listening": self._listener is not None,
            "connections": len(self._pairs),
            **{name: getattr(self.counts, name) for name in Counts.__slots__},
            "toxics": [describe(active, now) for active in self.force],
        }

    def _bind(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.plan.listen_host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(0.0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.plan.listen_host, port))
        except OSError:
            sock.close()
            raise
        return sock

    def _apply_toxics(self) -> None:
        """Refuse and cut while a toxic says so, and listen again as soon as none does."""
        if self._next_look is not None:
            self._next_look.cancel()
        if self.force.cutting():
            self._refuse()
        elif self._listener is None:
            self._try_to_listen()
        for pair in self._pairs.values():
            self._cut_if_hit(pair)
        seconds = self._seconds_to_look_again()
        self._next_look = None if seconds is None else self._loop.call_later(seconds, self._apply_toxics)

    def _seconds_to_look_again(self) -> float | None:
        now = self.force.now()
        turns = [turn for each in self.force if (turn := seconds_to_turn(each, now)) is not None]
        if self._listener is None and not self.force.cutting():
            turns.append(_AGAIN_SECONDS)
        return min(turns, default=None)

    def _try_to_listen(self) -> None:
        try:
            self._listen()
        except OSError:
            return  # tried again soon

    def _listen(self) -> None:
        """Listen beside the placeholder: that never listens, so that the port stays ours while connects are refused."""
        self._listener = self._bind(self.port)
        self._listener.listen(_BACKLOG)
        self._loop.add_reader(self._listener, self._accept)

    def _refuse(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            if self._listener is None:
                return
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError:
                self._rest()  # no descriptors left: looking again at once would burn the processor
                return
            self._begin(sock)

    def _rest(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._loop.call_later(_AGAIN_SECONDS, self._accept_again, self._listener)

    def _accept_again(self, listener: socket.socket) -> None:
        if self._listener is listener:
            self._loop.add_reader(listener, self._accept)

    def _begin(self, sock: socket.socket) -> None:
        sock.settimeout(0.0)
        self.counts.accepted += 1
        kind = HttpPair if self.plan.protocol is Protocol.HTTP else BytesPair
        pair = kind(self._line, number=self.counts.accepted)
        if len(self._pairs) >= _MOST_CONNECTIONS:
            pair.cut()
        self._cut_if_hit(pair)
        task = self._loop.create_task(pair.run(sock))
        self._pairs[task] = pair
        task.add_done_callback(self._pairs.pop)

    def _cut_if_hit(self, pair: Pair) -> None:
        if self.force.is_calm or pair.is_cut:
            return
        for active in self.force.cutting(pair.number):
            active.hits += 1
            self.counts.cut += 1
            pair.cut()
            return
