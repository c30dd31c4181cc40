"""What does each step of a rebuild do: from an empty generation to one that is filled and indexed."""

import threading
from collections.abc import Callable
from typing import Any

from opsctl.clients.qdrant_values import CollectionState, Query
from opsctl.qdrant_collections.checkpoint import Step
from opsctl.qdrant_collections.difference import Comparison
from opsctl.qdrant_collections.guard import LiveGuard
from opsctl.qdrant_collections.job import Job
from opsctl.qdrant_collections.measure import TOP, sample_vectors
from opsctl.qdrant_collections.mend import mend
from opsctl.qdrant_collections.phases import advance
from opsctl.qdrant_collections.settle import wait_until_settled
from opsctl.qdrant_collections.target import serving_change
from opsctl.qdrant_collections.transfer import Advance, Hooks, Transfer, copy_ranges, cut_ranges

Figures = dict[str, Any]


def create(job: Job, figures: Figures) -> None:
    """Make the empty generation with its payload indexes; both may already be there after a crash."""
    store = job.here.store
    if job.generation not in store.collections():
        metadata = {"metadata": job.provenance().to_metadata()} if job.plan.features.has_metadata else {}
        store.create_collection(job.generation, job.plan.parameters | metadata)
    for field, schema in job.plan.indexes.items():
        store.create_payload_index(job.generation, field=field, schema=schema)
    figures |= {"generation": job.generation, "payload_indexes": len(job.plan.indexes)}


def copy(job: Job, figures: Figures) -> None:
    """Copy the points that pass the filter, going on where an earlier run stopped."""
    transfer = Transfer(
        source=job.plan.source,
        target=job.generation,
        filter=job.plan.derived.filter.to_qdrant(),
        streams=job.book.limits.streams,
        retry_seconds=job.options.retry_seconds,
    )
    if not job.state.ranges:
        job.save(ranges=cut_ranges(transfer, store=job.here.store))
    began = job.here.clock.monotonic()
    resumed = job.state.copied
    advance(job.here, subject=job.alias, name=Step.COPY, by=resumed)
    guard = _guard(job)
    try:
        _copy(job, transfer=transfer, guard=guard)
    finally:
        job.save()
    took = job.here.clock.monotonic() - began
    figures |= {"points": job.state.copied, "points_per_second": round(job.copied_now / took) if took else 0}
    if resumed:
        figures["copied_before"] = resumed
    if guard is not None:
        figures |= {"pauses": guard.pauses, "paused_seconds": round(guard.paused_seconds, 2)}


def delta(job: Job, figures: Figures) -> None:
    """Bring over what changed while the copy ran: new, changed, deleted, and no longer matching points."""
    seen = Comparison()
    written = deleted = 0
    synced_at = job.here.clock.now().isoformat()
    for mended in mend(
        job.sides,
        store=job.here.store,
        clock=job.here.clock,
        seen=seen,
        retry_seconds=job.options.retry_seconds,
    ):
        written += mended.written
        deleted += mended.deleted
    job.source_digest = seen.source.hex
    job.save(figures=job.state.figures | {"source": {"digest": seen.source.hex, "synced_at": synced_at}})
    figures |= {"written": written, "deleted": deleted, "compared": seen.source.count}


def settle(job: Job, figures: Figures) -> None:
    """Let the graph be built, and wait until nothing is left to index."""
    store = job.here.store
    threads = job.book.limits.optimizer_threads
    change = serving_change(job.source, derived=job.plan.derived, optimizer_threads=threads)
    store.update_collection(job.generation, change)
    indexed = 0

    def look(state: CollectionState) -> None:
        nonlocal indexed
        advance(
            job.here, subject=job.alias, name=Step.SETTLE, by=max(0, state.indexed_vectors_count - indexed)
        )
        indexed = max(indexed, state.indexed_vectors_count)
        job.beat()

    state = wait_idle(job, on_look=look)
    figures |= {"indexed": state.indexed_vectors_count, "segments": state.segments_count}


def wait_idle(
    job: Job, *, on_look: Callable[[CollectionState], None] = lambda _state: None
) -> CollectionState:
    """Wait until the generation's optimizer has nothing left to do."""
    return wait_until_settled(
        job.generation,
        store=job.here.store,
        clock=job.here.clock,
        deadline_seconds=job.options.settle_deadline_seconds,
        on_look=on_look,
    )


def _copy(job: Job, *, transfer: Transfer, guard: LiveGuard | None) -> None:
    def on_advance(news: Advance) -> None:
        job.copied_now += news.points
        job.move_range(news.index, news.state)
        advance(job.here, subject=job.alias, name=Step.COPY, by=news.points)

    def on_idle() -> None:
        job.beat()
        if guard is not None:
            guard.check()

    gate = guard.gate if guard is not None else open_gate()
    copy_ranges(
        transfer,
        job.state.ranges,
        store=job.here.store,
        clock=job.here.clock,
        hooks=Hooks(on_advance=on_advance, on_idle=on_idle, gate=gate),
    )


def open_gate() -> threading.Event:
    """Return a gate that never holds anybody back."""
    gate = threading.Event()
    gate.set()
    return gate


def _guard(job: Job) -> LiveGuard | None:
    """Return a guard of the live alias; None where nobody asked for one, or there is nothing to search yet."""
    if job.options.max_live_p95_seconds is None or job.plan.live is None:
        return None
    vectors = sample_vectors(job.here.store, source=job.plan.source, using=job.plan.using, count=20)
    if not vectors:
        return None
    return LiveGuard(
        store=job.here.store,
        clock=job.here.clock,
        alias=job.alias,
        queries=[Query(vector=vector, limit=TOP, using=job.plan.using or None) for vector in vectors],
        max_p95_seconds=job.options.max_live_p95_seconds,
    )


StepFunction = Callable[[Job, Figures], None]
