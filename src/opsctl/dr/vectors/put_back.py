"""How does a collection come back from its snapshot, and is it what it was?"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opsctl.core.errors import OpsError
from opsctl.core.events import Noted
from opsctl.dr.manifest import VectorSnapshot
from opsctl.dr.vectors.compare import missing_indexes, require_equal, require_notes
from opsctl.dr.vectors.fitting import Terms, require_fit
from opsctl.dr.vectors.ports import Returning, SnapshotNode
from opsctl.dr.vectors.telling import counted, told


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """A collection that is back; `mended_indexes` are the payload indexes that the snapshot had not brought along."""

    collection: str
    points: int
    seconds: float
    mended_indexes: tuple[str, ...]
    mended_notes: bool


def put_back(
    snapshot: VectorSnapshot,
    *,
    pieces: Iterable[bytes],
    node: SnapshotNode,
    here: Returning,
    terms: Terms,
) -> PutBack:
    """Put a collection of a single node back and see that it is what it was; no alias leads to it yet.

    Nothing is read of `pieces` before everything that can be known has been looked at. When it fails, a collection
    that was not there before is gone again.

    Raises:
        RefusedError: DRC043 to DRC047 when it does not fit; nothing was changed.
        FailedError: QSN003 when the node received something else, DRC048 when what came back is not what was saved.
    """
    began = here.clock.monotonic()
    require_fit(snapshot, engine=node.engine(), store=here.store, terms=terms)
    name = terms.name or snapshot.collection
    with _gone_after_failure(name, here=here):
        upload(snapshot, pieces=pieces, node=node, here=here, terms=terms)
        mended_indexes, mended_notes = check(snapshot, here=here, terms=terms)
    return PutBack(
        collection=name,
        points=snapshot.points,
        seconds=here.clock.monotonic() - began,
        mended_indexes=mended_indexes,
        mended_notes=mended_notes,
    )


def upload(
    snapshot: VectorSnapshot,
    *,
    pieces: Iterable[bytes],
    node: SnapshotNode,
    here: Returning,
    terms: Terms,
) -> None:
    """Give a node its part back; for a cluster, after `require_fit` and for each node, with `check` once at the end."""
    file, name = snapshot.snapshot, terms.name or snapshot.collection
    with told(
        "upload",
        subject=name,
        listener=here.listener,
        clock=here.clock,
        total=file.size_bytes,
        unit="bytes",
    ) as advance:
        node.upload(name, counted(pieces, advance), size_bytes=file.size_bytes, sha256=file.sha256)


def check(snapshot: VectorSnapshot, *, here: Returning, terms: Terms) -> tuple[tuple[str, ...], bool]:
    """Mend payload indexes and notes, compare everything else with the manifest, and return what was mended.

    Raises:
        FailedError: DRC048.
    """
    name = terms.name or snapshot.collection
    lost = missing_indexes(snapshot, state=here.store.collection(name))
    for field, schema in lost.items():
        here.store.create_payload_index(name, field=field, schema=schema)
        here.listener(
            Noted(subject=name, message=f"the payload index of `{field}` was missing and is made anew")
        )
    mended_notes = require_notes(snapshot, name=name, store=here.store)
    require_equal(snapshot, name=name, here=here)
    return tuple(lost), mended_notes


@contextmanager
def _gone_after_failure(name: str, *, here: Returning) -> Iterator[None]:
    was_there = name in here.store.collections()
    try:
        yield
    except BaseException:
        if not was_there:
            _remove(name, here=here)
        raise


def _remove(name: str, *, here: Returning) -> None:
    try:
        if name in here.store.collections():
            here.store.delete_collection(name)
    except OpsError as error:
        message = f"what was put back so far stays there, remove it: {error.message}"
        here.listener(Noted(subject=name, message=message))
