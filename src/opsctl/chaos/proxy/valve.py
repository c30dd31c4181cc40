"""How do bytes of one direction pass: held back, late, slowly, in pieces, or only up to a point, as toxics demand."""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from opsctl.chaos.proxy.ends import End, Piece
from opsctl.chaos.proxy.in_force import Active, InForce, count_hits
from opsctl.chaos.proxy.toxics import Bandwidth, Latency, Reset, Slice, Stream, Truncate

_STEPS_A_SECOND = 20


class CutError(Exception):
    """A toxic ends the connection here; `is_reset` tells how."""

    def __init__(self, *, is_reset: bool) -> None:
        super().__init__("a toxic ends the connection")
        self.is_reset = is_reset


class Step(NamedTuple):
    """How many bytes go at once, how long they take on the line, and the pause after them."""

    size: int
    before_seconds: float
    after_seconds: float


@dataclass(slots=True, kw_only=True, eq=False)
class Flow:
    """What one lot is drawn for: a connection of bytes, or a call on a line of HTTP.

    Args:
        number: of the connection or call.
        jitter: between -1 and 1, one for all bytes of a call; None: each piece has its own.
    """

    number: int
    jitter: float | None = None
    passed_bytes: dict[Active, int] = field(default_factory=dict)
    """Bytes of the answer that passed under each toxic that counts them."""


@dataclass(slots=True, kw_only=True)
class Counts:
    """What has passed a line since it began."""

    accepted: int = 0
    calls: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    cut: int = 0
    upstream_failures: int = 0
    broken_messages: int = 0


class Valve:
    """Lets the bytes of one direction of a connection through."""

    def __init__(
        self, target: End, *, stream: Stream, force: InForce, connection: int, counts: Counts
    ) -> None:
        self._target, self._stream, self._force = target, stream, force
        self._connection, self._counts = connection, counts

    @property
    def is_open(self) -> bool:
        """Whether no toxic is there that could want to part a message."""
        return self._force.is_calm

    async def head(self, data: bytes, *, arrived_at: float, flow: Flow) -> None:
        """Let bytes through that no toxic cuts: a head, which may be late but comes whole."""
        if not self._force.is_calm:
            await self._wait(arrived_at, flow)
        self._count(len(data))
        await self._target.write(data)

    async def body(self, piece: Piece, *, flow: Flow) -> None:
        """Let bytes through as the toxics allow.

        Raises:
            CutError: one of them ends the connection.
        """
        if not self._force.is_calm:
            await self._wait(piece.arrived_at, flow)
            await self._pass_in_steps(memoryview(piece.data), flow)
            return
        self._count(len(piece.data))
        await self._target.write(piece.data)

    async def end(self) -> None:
        """Tell the target that nothing more comes, once that may pass."""
        await self._thaw()
        self._target.write_eof()

    def _count(self, size: int) -> None:
        if self._stream is Stream.UP:
            self._counts.bytes_up += size
        else:
            self._counts.bytes_down += size

    async def _thaw(self) -> None:
        await self._force.thaw(self._stream, self._connection)

    async def _wait(self, arrived_at: float, flow: Flow) -> None:
        """Wait for the delay in force, which may end or grow meanwhile, and while nothing passes at all."""
        jitter = flow.jitter if flow.jitter is not None else random_jitter(None)
        late: set[Active] = set()
        while True:
            await self._thaw()
            delays = [each for each in self._force.hitting(Latency, flow.number) if self._concerns(each[1])]
            # At once: whoever waits for these bytes may give up before they pass.
            count_hits((active for active, _ in delays), late)
            delay = sum(max(0.0, toxic.delay_seconds + jitter * toxic.jitter_seconds) for _, toxic in delays)
            remaining = arrived_at + delay - self._force.now()
            if remaining <= 0:
                break
            await self._force.change(remaining)

    def _concerns(self, toxic: Latency) -> bool:
        return toxic.stream is self._stream

    async def _pass_in_steps(self, data: memoryview, flow: Flow) -> None:
        position, slowed = 0, set[Active]()
        while position < len(data):
            count_hits(self._slowing(flow), slowed)
            step = self._step(len(data) - position, flow)
            await self._pause(step.before_seconds)
            await self._thaw()  # after the pause: a line may freeze meanwhile
            size, cut = self._room(step.size, flow)
            self._count(size)
            await self._target.write(data[position : position + size])
            if cut is not None:
                raise cut
            position += size
            await self._pause(step.after_seconds)

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than the toxics stay as they are."""
        if seconds:
            await self._force.change(seconds)

    def _step(self, size: int, flow: Flow) -> Step:
        """Return how much goes at once."""
        before_seconds = after_seconds = 0.0
        for _, slicing in self._force.hitting(Slice, flow.number) if self._stream is Stream.DOWN else ():
            size = min(size, slicing.bytes_per_piece)
            after_seconds += slicing.pause_seconds
        narrows = [narrow.bytes_per_second for _, narrow in self._force.hitting(Bandwidth, flow.number)]
        for rate in narrows:
            size = min(size, max(1, rate // _STEPS_A_SECOND))
        if narrows:
            before_seconds = size / min(narrows)
        return Step(size, before_seconds, after_seconds)

    def _slowing(self, flow: Flow) -> list[Active]:
        """Return the toxics that let bytes pass in small steps only."""
        narrow = [active for active, _ in self._force.hitting(Bandwidth, flow.number)]
        if self._stream is Stream.UP:
            return narrow
        return narrow + [active for active, _ in self._force.hitting(Slice, flow.number)]

    def _room(self, size: int, flow: Flow) -> tuple[int, CutError | None]:
        """Return how much of a step passes before a toxic cuts the answer, and the cut."""
        if self._stream is Stream.UP:
            return size, None
        cut = None
        cuts: list[tuple[Active, Reset] | tuple[Active, Truncate]] = [
            *self._force.hitting(Reset, flow.number),
            *self._force.hitting(Truncate, flow.number),
        ]
        for active, toxic in cuts:
            passed = flow.passed_bytes.get(active, 0)
            if passed + size > toxic.after_bytes:
                size, cut = max(0, toxic.after_bytes - passed), CutError(is_reset=isinstance(toxic, Reset))
                active.hits += 1
            flow.passed_bytes[active] = passed + size
        return size, cut


def random_jitter(number: int | None) -> float:
    """Return a number between -1 and 1: the same for the same call, any other for None."""
    return Random(number).uniform(-1.0, 1.0)  # noqa: S311 - a seed, not a secret
