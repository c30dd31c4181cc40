"""How is the source collection brought to the truth of a restored database, and proven to be there?

What differs is found by comparing, not by watermarks (see `divergence`). When both are level, the place that the
collection notes is set to one that the restored database knows, or it would be refused as one of another database.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opsctl.clients.qdrant_values import PointId
from opsctl.core.errors import FailedError, RefusedError
from opsctl.dr.vectors.divergence import Differing, Divergence, Tally, find_divergence, walk
from opsctl.dr.vectors.ports import Returning
from opsctl.dr.vectors.telling import told
from opsctl.dr.vectors.truth import TrueItem, newest_place
from opsctl.store.outbox import Watermark, move_watermark, read_watermark

if TYPE_CHECKING:
    import psycopg

Reapply = Callable[[Sequence[TrueItem]], None]
"""Writes the points of these items as they are now, each with `sequence` and `updated_at` in its payload, and returns
when they are durable. It must not use the connection that the truth is read over, and need not move any watermark."""

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Levelled:
    """What was done: `found` before, `left` afterwards, which is zero; `place` is where the collection is now."""

    found: Divergence
    left: Divergence
    place: Watermark


@dataclass(slots=True)
class _Batch:
    """What is to be done next."""

    wanted: list[TrueItem] = field(default_factory=list)
    extra: list[PointId] = field(default_factory=list)

    def add(self, differing: Differing) -> None:
        """Take one in."""
        item = differing.missing or differing.stale
        if item is not None:
            self.wanted.append(item)
        if differing.extra is not None:
            self.extra.append(differing.extra)

    @property
    def is_full(self) -> bool:
        """Tell whether it is time to do it."""
        return len(self.wanted) + len(self.extra) >= _BATCH


def level(
    collection: str, *, connection: "psycopg.Connection[Any]", reapply: Reapply, here: Returning
) -> Levelled:
    """Remove extra points, write missing and stale ones again, and prove that nothing differs any more.

    The caller sees to it that nobody else writes to the database or follows it meanwhile. Killed half-way, it can be
    run again. `set_place` comes afterwards.

    Raises:
        FailedError: DRC051 when points still differ.
    """
    place, seen = newest_place(connection), Tally()
    total = here.store.collection(collection).points_count
    with told("level", subject=collection, listener=here.listener, clock=here.clock, total=total) as advance:
        differing = walk(collection, connection=connection, store=here.store, seen=seen, advance=advance)
        # Whatever happens, the transaction that reads the truth ends here.
        with closing(differing):
            _mend(differing, collection=collection, reapply=reapply, here=here)
    left = find_divergence(
        collection, connection=connection, store=here.store, clock=here.clock, listener=here.listener
    )
    if not left.is_zero:
        raise _not_level(left)
    return Levelled(found=seen.divergence(collection), left=left, place=place)


def set_place(
    levelled: Levelled, *, connection: "psycopg.Connection[Any]", consumer: str, here: Returning
) -> None:
    """Note in the database and in the collection that both are level up to `levelled.place`.

    Args:
        levelled: what `level` returned.
        connection: to the restored database, which takes writes by now.
        consumer: the collection's name among the consumers of the outbox.
        here: the vector database.

    Raises:
        RefusedError: DRC052 when somebody follows the outbox for this collection right now.
    """
    with connection.transaction():
        recorded = read_watermark(connection, consumer=consumer)
        if recorded < levelled.place and not move_watermark(
            connection, consumer=consumer, expected=recorded, to=levelled.place
        ):
            raise RefusedError(
                f"somebody follows the truth for `{levelled.left.collection}`",
                code="DRC052",
                why=f"its place in the database is no longer {recorded}",
                fix="stop the service and other synchronisations, then run the restore again",
            )
    place = {"watermark": str(levelled.place)}
    here.store.update_collection(levelled.left.collection, {"metadata": place})


def _mend(differing: Iterable[Differing], *, collection: str, reapply: Reapply, here: Returning) -> None:
    batch = _Batch()
    for each in differing:
        batch.add(each)
        if batch.is_full:
            _do(batch, collection=collection, reapply=reapply, here=here)
            batch = _Batch()
    _do(batch, collection=collection, reapply=reapply, here=here)


def _do(batch: _Batch, *, collection: str, reapply: Reapply, here: Returning) -> None:
    if batch.extra:
        here.store.delete_points(collection, batch.extra, wait=True)
    if batch.wanted:
        reapply(batch.wanted)


def _not_level(left: Divergence) -> FailedError:
    return FailedError(
        f"`{left.collection}` still differs from the truth in {left.count:,} points",
        code="DRC051",
        why=f"{left.missing:,} missing {_ids(left.first_missing)}, {left.stale:,} stale {_ids(left.first_stale)}, "
        f"{left.extra:,} extra {_ids(left.first_extra)}",
        fix="see that nobody writes meanwhile and run the restore again; else build it anew: "
        "opsctl catalog sync --from-scratch",
    )


def _ids(ids: Sequence[PointId]) -> str:
    return f"({', '.join(str(each) for each in ids)})" if ids else "(none)"
