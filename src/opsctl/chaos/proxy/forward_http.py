"""What happens on a connection that speaks HTTP: calls are counted, failed by us, or their answers garbled."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from opsctl.chaos.proxy.answers import failing_answer, garbled_answer, without_compression
from opsctl.chaos.proxy.ends import Piece
from opsctl.chaos.proxy.forward import Line, Pair
from opsctl.chaos.proxy.http_wire import (
    NO_BODY,
    Framing,
    MessageReader,
    answer_framing,
    request_framing,
    status_of,
)
from opsctl.chaos.proxy.in_force import Active
from opsctl.chaos.proxy.toxics import Fail, Garble
from opsctl.chaos.proxy.valve import Flow, Valve, random_jitter

_MOST_CALLS_AHEAD = 64
_LARGEST_GARBLED_BYTES = 32 * 1024 * 1024


class Garbling(NamedTuple):
    """A toxic that changes the answer of one call."""

    active: Active
    toxic: Garble


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One request, and what is to happen to its answer."""

    is_head: bool
    path: str
    flow: Flow
    garbles: list[Garbling] = field(default_factory=list)


class HttpPair(Pair):
    """A connection of HTTP/1.1 whose messages are followed, whether a toxic is there or not.

    A toxic may come at any moment, and nobody can find the borders of messages in the middle of a stream.
    """

    is_gone_at_eof = True

    def __init__(self, line: Line, *, number: int) -> None:
        super().__init__(line, number=number)
        self._requests, self._answers = MessageReader(self.client), MessageReader(self.upstream)
        self._calls: deque[Call] = deque()
        self._nothing_due = asyncio.Event()
        self._nothing_due.set()

    async def pump_up(self) -> None:
        """Carry requests up, and answer those that fail."""
        while (head := await self._requests.head()) is not None:
            call, framing = self._begin(head), request_framing(head)
            if len(self._calls) >= _MOST_CALLS_AHEAD:
                await self._nothing_due.wait()
            if (fail := self._failing(call)) is not None:
                await self._fail(call, fail, framing)
                continue
            self._note_garbles(call)
            self._calls.append(call)
            self._nothing_due.clear()
            head = without_compression(head) if call.garbles else head
            await _carry(head, framing, reader=self._requests, valve=self.up, flow=call.flow)
        await self.up.end()

    async def pump_down(self) -> None:
        """Carry answers down."""
        while (head := await self._answers.head()) is not None:
            status = status_of(head)
            # An answer that nobody asked for is mostly a server that gives up waiting: 408.
            call = self._calls[0] if self._calls else Call(is_head=False, path="", flow=Flow(number=0))
            framing = answer_framing(head, status=status, is_head=call.is_head)
            if call.garbles and 200 <= status < 300 and framing != NO_BODY:
                await self._garble(call, head, framing)
            else:
                await _carry(head, framing, reader=self._answers, valve=self.down, flow=call.flow)
            if status >= 200 and self._calls:
                self._calls.popleft()
                if not self._calls:
                    self._nothing_due.set()
        await self.down.end()

    def _begin(self, head: bytes) -> Call:
        self.line.counts.calls += 1
        number = self.line.counts.calls
        method, _, rest = head.partition(b" ")
        jitter = 0.0 if self.line.force.is_calm else random_jitter(number)
        return Call(
            is_head=method == b"HEAD",
            path=rest[: rest.find(b" ")].decode("latin-1"),
            flow=Flow(number=number, jitter=jitter),
        )

    def _failing(self, call: Call) -> Fail | None:
        """Return the toxic that fails a call; each counts the calls on its paths."""
        failing = None
        for active in () if self.line.force.is_calm else self.line.force:
            toxic = active.toxic
            if not isinstance(toxic, Fail) or (toxic.path_contains or "") not in call.path:
                continue
            active.calls += 1
            in_time = toxic.first_calls is None or active.calls <= toxic.first_calls
            in_turn = toxic.every is None or active.calls % toxic.every == 0
            if failing is None and in_time and in_turn and active.draws(call.flow.number):
                active.hits += 1
                failing = toxic
        return failing

    def _note_garbles(self, call: Call) -> None:
        for active in () if self.line.force.is_calm else self.line.force:
            toxic = active.toxic
            if isinstance(toxic, Garble) and (toxic.path_contains or "") in call.path:
                active.calls += 1
                if active.draws(call.flow.number):
                    call.garbles.append(Garbling(active, toxic))

    async def _fail(self, call: Call, fail: Fail, framing: Framing) -> None:
        arrived_at = self._requests.arrived_at
        async for _ in self._requests.body(framing):
            pass
        await self._nothing_due.wait()
        answer = failing_answer(fail, is_head=call.is_head)
        await self.down.head(answer, arrived_at=arrived_at, flow=call.flow)

    async def _garble(self, call: Call, head: bytes, framing: Framing) -> None:
        arrived_at, parts, size = self._answers.arrived_at, [], 0
        pieces = self._answers.body(framing)
        async for piece in pieces:
            parts.append(piece.data)
            size += len(piece.data)
            if size > _LARGEST_GARBLED_BYTES:
                break
        body = b"".join(parts)
        if size <= _LARGEST_GARBLED_BYTES:
            for active, toxic in call.garbles:
                head, body = garbled_answer(head, body, active=active, what=toxic.what)
        await self.down.head(head, arrived_at=arrived_at, flow=call.flow)
        await self.down.body(Piece(body, arrived_at), flow=call.flow)
        async for piece in pieces:
            await self.down.body(piece, flow=call.flow)


async def _carry(head: bytes, framing: Framing, *, reader: MessageReader, valve: Valve, flow: Flow) -> None:
    arrived_at = reader.arrived_at
    body = reader.take_whole(framing)
    if body is not None and valve.is_open:
        # Most messages are here at once and meet no toxic: one write.
        await valve.head(head + body, arrived_at=arrived_at, flow=flow)
        return
    await valve.head(head, arrived_at=arrived_at, flow=flow)
    if body is not None:
        if body:
            await valve.body(Piece(body, arrived_at), flow=flow)
        return
    async for piece in reader.body(framing):
        await valve.body(piece, flow=flow)
