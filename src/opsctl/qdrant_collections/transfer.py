"""How do the points get from the source into a generation: parallel ranges, in batches, with checkpoints."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import orjson

from opsctl.clients.qdrant_values import Filter, Parcel, PointId
from opsctl.core.clock import Clock
from opsctl.core.errors import NotReadyError
from opsctl.qdrant_collections.checkpoint import RangeState
from opsctl.qdrant_collections.ranges import BatchSizer, id_key, split_ids
from opsctl.qdrant_collections.store import VectorStore
from opsctl.vectors.retry import retrying

Result = TypeVar("Result")

_RANGES_PER_STREAM = 2  # a stream that is done early takes the next range
_SAMPLED_IDS = 1000
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What is copied, from where to where, and how."""

    source: str
    target: str
    filter: Filter
    streams: int
    retry_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the caller does while the streams copy; both run in the caller's thread, `gate` holds the streams."""

    on_advance: "Callable[[Advance], None]"
    on_idle: Callable[[], None]
    gate: threading.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """A range went on: its new state, and how many points that were."""

    index: int
    state: RangeState
    points: int


def cut_ranges(transfer: Transfer, *, store: VectorStore) -> tuple[RangeState, ...]:
    """Cut the ids that pass the filter into ranges, by a sample of them."""
    sampled = [
        point["id"] for point in store.sample(transfer.source, limit=_SAMPLED_IDS, filter=transfer.filter)
    ]
    ranges = split_ids(sampled, parts=transfer.streams * _RANGES_PER_STREAM)
    return tuple(RangeState(start=start, end=end, following=start) for start, end in ranges)


def copy_ranges(
    transfer: Transfer,
    ranges: Sequence[RangeState],
    *,
    store: VectorStore,
    clock: Clock,
    hooks: Hooks,
) -> None:
    """Copy every range that is not done.

    Memory holds one batch a stream and a short queue of small messages. When anything raises, Ctrl-C too,
    the streams stop after their batch, and what they have written until then is still reported.
    """
    streams = _Streams(transfer=transfer, store=store, clock=clock, gate=hooks.gate)
    with ThreadPoolExecutor(max_workers=transfer.streams, thread_name_prefix="copy") as threads:
        futures = [
            threads.submit(streams.run, index, state)
            for index, state in enumerate(ranges)
            if not state.is_done
        ]
        try:
            _listen(streams, futures, hooks=hooks)
        finally:
            streams.stop.set()
            hooks.gate.set()
            for future in futures:
                future.cancel()


def _listen(streams: "_Streams", futures: "Sequence[Future[None]]", *, hooks: Hooks) -> None:
    while True:
        is_over = all(future.done() for future in futures)
        try:
            hooks.on_advance(streams.news.get(timeout=0.0 if is_over else _POLL_SECONDS))
        except queue.Empty:
            if is_over:
                break
        failed = next((each for each in futures if each.done() and each.exception() is not None), None)
        if failed is not None:
            failed.result()
        hooks.on_idle()


class _Streams:
    """What the threads share: the queue of news is bounded, so that they never run ahead of the checkpoint."""

    def __init__(
        self, *, transfer: Transfer, store: VectorStore, clock: Clock, gate: threading.Event
    ) -> None:
        self._transfer = transfer
        self._store = store
        self._clock = clock
        self._gate = gate
        self.stop = threading.Event()
        self.news: queue.Queue[Advance] = queue.Queue(maxsize=64)

    def run(self, index: int, state: RangeState) -> None:
        """Copy one range to its end, or until it is told to stop; a failure stops all streams."""
        try:
            self._run(index, state)
        except BaseException:
            self.stop.set()
            raise

    def _run(self, index: int, state: RangeState) -> None:
        sizer = BatchSizer()
        while not state.is_done and not self.stop.is_set():
            if not self._gate.wait(_POLL_SECONDS):
                continue
            began = self._clock.monotonic()
            moved = self._move_batch(state, sizer=sizer)
            sizer.learn(points=moved.copied - state.copied, seconds=self._clock.monotonic() - began)
            self._tell(Advance(index=index, state=moved, points=moved.copied - state.copied))
            state = moved

    def _move_batch(self, state: RangeState, *, sizer: BatchSizer) -> RangeState:
        parcel = self._retrying(lambda: self._fetch(state, limit=sizer.size), sizer=sizer)
        is_done = parcel.next_offset is None or not _is_before(parcel.next_offset, state.end)
        if is_done:
            parcel = _cut(parcel, end=state.end)
        if parcel.count:
            # The last batch of a range waits: then all batches before it are applied too.
            self._retrying(
                lambda: self._store.deliver(self._transfer.target, parcel, wait=is_done), sizer=sizer
            )
        return RangeState(
            start=state.start,
            end=state.end,
            following=parcel.next_offset,
            copied=state.copied + parcel.count,
            is_done=is_done,
        )

    def _fetch(self, state: RangeState, *, limit: int) -> Parcel:
        return self._store.fetch(
            self._transfer.source, limit=limit, offset=state.following, filter=self._transfer.filter
        )

    def _retrying(self, call: Callable[[], Result], *, sizer: BatchSizer) -> Result:
        def attempt() -> Result:
            try:
                return call()
            except NotReadyError:
                sizer.shrink()
                raise

        return retrying(attempt, clock=self._clock, budget_seconds=self._transfer.retry_seconds)

    def _tell(self, advance: Advance) -> None:
        while not self.stop.is_set():
            try:
                self.news.put(advance, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return


def _cut(parcel: Parcel, *, end: PointId | None) -> Parcel:
    """Open a parcel and take out what belongs to the next range."""
    points = parcel.points if parcel.sealed is None else orjson.loads(parcel.sealed)
    kept = [point for point in points if _is_before(point["id"], end)]
    return Parcel(count=len(kept), next_offset=parcel.next_offset, points=kept)


def _is_before(point_id: PointId, end: PointId | None) -> bool:
    return end is None or id_key(point_id) < id_key(end)
