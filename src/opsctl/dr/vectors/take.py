"""How is a collection copied off a node into the vault, and was it at rest meanwhile?

What says that it was at rest are two walks over its points, one before and one after the snapshot is made. The
watermark alone does not: it is noted after the points are written. The snapshot does not change once it is made, so
what is written during its transfer does no harm.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from opsctl.clients.qdrant_snapshot_values import NodeSnapshot
from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.errors import OpsError
from opsctl.core.events import Noted
from opsctl.dr.manifest import GoldenQuery, SealedFile, VectorSnapshot
from opsctl.dr.vectors.golden import GOLDEN_QUERIES, ask_golden
from opsctl.dr.vectors.notes import notes_of, schema_of
from opsctl.dr.vectors.ports import SnapshotNode, Taking
from opsctl.dr.vectors.scan import Scan, scan
from opsctl.dr.vectors.telling import counted, told

_ATTEMPTS = 3
_LONGEST_NAME = 80  # of the 200 characters that a step of a key may have
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a node holds of a collection, in the vault, with searches whose exact answers are known."""

    snapshot: VectorSnapshot
    golden: tuple[GoldenQuery, ...]


def take_snapshot(
    collection: str, *, node: SnapshotNode, here: Taking, prefix: str, golden: int = GOLDEN_QUERIES
) -> Taken:
    """Copy what a node holds of a collection into the vault, below `prefix`, and note what it was.

    Up to three times a moment is looked for in which nothing is written; then what there is is taken, and it is
    said that it was not quiet. Whatever happens, no snapshot stays behind on the node.

    Raises:
        FailedError: QSN001 or QSN002 when it did not arrive as the node made it; nothing is kept then.
    """
    known = _scanned(collection, here=here, golden=golden)
    for attempt in range(1, _ATTEMPTS + 1):
        before = _moment(collection, here=here)
        with _snapshot(collection, node=node, here=here) as made:
            after = _moment(collection, here=here)
            found = _scanned(collection, here=here, golden=golden)
            is_quiet = found == known and before.watermark == after.watermark
            if is_quiet or attempt == _ATTEMPTS:
                asked = ask_golden(collection, found.sample, store=here.store)
                sealed = _copy(collection, made, node=node, here=here, prefix=prefix)
                moments = _Moments(before=before, after=after, found=found, is_quiet=is_quiet)
                return Taken(
                    snapshot=_described(collection, sealed, moments, node=node, here=here), golden=asked
                )
        known = found
    raise AssertionError("the last attempt returns or raises")


def key_of(collection: str, *, node: str) -> str:
    """Return the name of the file of a collection of a node: safe in every repository, and of no other.

    >>> key_of("content@1", node="127.0.0.1:6333")
    'content-1-4f97b05ff881.snapshot'
    """
    digest = hashlib.sha256(f"{collection}\0{node}".encode()).hexdigest()[:12]
    name = _UNSAFE.sub("-", collection).strip("-._")[:_LONGEST_NAME] or "collection"
    return f"{name}-{digest}.snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """What the collection and the database said at one moment."""

    state: CollectionState
    lsn: str | None

    @property
    def watermark(self) -> str | None:
        """Return how far the collection followed the outbox."""
        return notes_of(self.state).watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """What was around a snapshot, and whether anything was written meanwhile."""

    before: _Moment
    after: _Moment
    found: Scan
    is_quiet: bool


def _moment(collection: str, *, here: Taking) -> _Moment:
    return _Moment(state=here.store.collection(collection), lsn=here.read_lsn())


def _scanned(collection: str, *, here: Taking, golden: int) -> Scan:
    return scan(collection, store=here.store, clock=here.clock, listener=here.listener, sample=golden)


@contextmanager
def _snapshot(collection: str, *, node: SnapshotNode, here: Taking) -> Iterator[NodeSnapshot]:
    with told(
        "snapshot", subject=collection, listener=here.listener, clock=here.clock, unit="bytes"
    ) as advance:
        made = _made(collection, node=node, here=here)
        advance(made.size_bytes)
    try:
        yield made
    finally:
        _remove(collection, made, node=node, here=here)


def _made(collection: str, *, node: SnapshotNode, here: Taking) -> NodeSnapshot:
    """Make a snapshot; where the answer got lost, see that it does not stay behind without us."""
    before = {each.name for each in node.list(collection)}
    try:
        return node.create(collection)
    except BaseException:
        with suppress(OpsError):
            unheard = [each for each in node.list(collection) if each.name not in before]
            # Of two, one is somebody else's, and which cannot be told.
            if len(unheard) == 1:
                _remove(collection, unheard[0], node=node, here=here)
        raise


def _remove(collection: str, made: NodeSnapshot, *, node: SnapshotNode, here: Taking) -> None:
    try:
        node.delete(collection, made.name)
    except OpsError as error:
        # The copy is what counts, or the error that is on its way: but the node's disk fills up with these.
        message = f"snapshot `{made.name}` stays on node {node.name}, remove it: {error.message}"
        here.listener(Noted(subject=collection, message=message))


def _copy(
    collection: str, made: NodeSnapshot, *, node: SnapshotNode, here: Taking, prefix: str
) -> SealedFile:
    with told(
        "copy",
        subject=collection,
        listener=here.listener,
        clock=here.clock,
        total=made.size_bytes,
        unit="bytes",
    ) as advance:
        # The node's checksum is compared before the vault has seen the end, so a damaged file is not kept.
        pieces = counted(node.download(collection, made), advance)
        return here.vault.put(f"{prefix}/{key_of(collection, node=node.name)}", pieces)


def _described(
    collection: str, sealed: SealedFile, moments: _Moments, *, node: SnapshotNode, here: Taking
) -> VectorSnapshot:
    before, after, found = moments.before, moments.after, moments.found
    notes = notes_of(before.state)
    return VectorSnapshot(
        collection=collection,
        node=node.name,
        snapshot=sealed,
        engine_version=str(node.engine()),
        config=before.state.config,
        payload_schema=schema_of(before.state),
        points=found.points,
        ids_sha256=found.ids_sha256,
        points_digest=found.points_digest,
        embedding_model=notes.embedding_model,
        dimension=notes.dimension,
        watermark_before=before.watermark,
        watermark_after=after.watermark,
        lsn_before=before.lsn,
        lsn_after=after.lsn,
        is_quiet=moments.is_quiet,
        taken_at=here.clock.now(),
    )
