"""From which place in the outbox must a collection be followed, and does it fit at all."""

from typing import TYPE_CHECKING, Any

from opsctl.catalog.sink import CollectionNeeds, SinkState, VectorSink
from opsctl.core.errors import RefusedError
from opsctl.store.outbox import Watermark, move_watermark, read_watermark

if TYPE_CHECKING:
    import psycopg

_ANEW = "build it anew with `opsctl catalog sync --from-scratch`, or set `source.collection` to another name"


def place_to_start(
    connection: "psycopg.Connection[Any]",
    *,
    sink: VectorSink,
    collection: str,
    consumer: str,
    needs: CollectionNeeds,
) -> Watermark:
    """Return the place up to which the collection is known to hold every change, and record it.

    That is what both the database and the collection confirm: a collection that is missing starts from the
    beginning, one that came back from an older snapshot starts from where the snapshot was.

    Raises:
        RefusedError: OUT002 other model, OUT003 other dimension, OUT004 foreign collection, OUT005 other database.
    """
    with connection.transaction():
        recorded = read_watermark(connection, consumer=consumer)
        state = sink.state(collection)
        start = Watermark()
        if state is not None:
            _refuse_misfit(state, collection=collection, recorded=recorded, needs=needs)
            start = min(recorded, state.watermark) if state.watermark is not None else recorded
        if start != recorded:
            move_watermark(connection, consumer=consumer, expected=recorded, to=start)
    return start


def _refuse_misfit(state: SinkState, *, collection: str, recorded: Watermark, needs: CollectionNeeds) -> None:
    if state.model_id is not None and state.model_id != needs.model_id:
        raise RefusedError(
            f"`{collection}` holds vectors of `{state.model_id}`, the settings ask for `{needs.model_id}`",
            code="OUT002",
            why="distances between vectors of two models mean nothing",
            fix=f"set `embedding` back, or {_ANEW}",
        )
    if state.dimension != needs.dimension:
        raise RefusedError(
            f"the vectors of `{collection}` have length {state.dimension}, the embedder makes {needs.dimension}",
            code="OUT003",
            fix=f"set `embedding.dimension: {state.dimension}`, or {_ANEW}",
        )
    if state.model_id is None and state.points and recorded == Watermark():
        raise RefusedError(
            f"`{collection}` was not made by opsctl",
            code="OUT004",
            why=f"it holds {state.points:,} points, does not say by which model, and was never synchronised from here",
            fix="set `source.collection` in the book to another name",
        )
    if state.watermark is not None and state.watermark > recorded:
        raise RefusedError(
            f"`{collection}` is ahead of the database",
            code="OUT005",
            why=f"it was followed up to {state.watermark}, the database knows only {recorded}: this is another "
            "database, or one restored from a backup",
            fix=f"check `database.url`, or {_ANEW}",
        )
