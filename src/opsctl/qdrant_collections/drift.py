"""Has the live generation drifted from its source, and can it be brought level by writing only what differs?"""

from dataclasses import dataclass, replace
from typing import Any

from opsctl.clients.file_locks import FileLock
from opsctl.qdrant_collections.difference import Comparison, Sides, walk_differences
from opsctl.qdrant_collections.mend import mend
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.phases import Surroundings, advance, phase
from opsctl.qdrant_collections.provenance import read_provenance
from opsctl.qdrant_collections.realias import leads_to_nothing
from opsctl.qdrant_collections.source import read_source, watermark_of

_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """How the live generation differs from its source; `written` and `deleted` say what a repair did."""

    alias: str
    live: str
    source: str
    source_points: int
    live_points: int
    missing: int
    changed: int
    extra: int
    source_digest: str
    live_digest: str
    source_watermark: Any
    live_watermark: Any
    repaired: bool = False
    written: int = 0
    deleted: int = 0

    @property
    def has_drifted(self) -> bool:
        """Tell whether points differ; an older watermark alone means that nothing of ours has changed since."""
        return self.missing + self.changed + self.extra > 0

    @property
    def ok(self) -> bool:
        """Tell whether both are level now."""
        return self.repaired or not self.has_drifted


def live_sides(alias: str, *, book: CollectionsBook, here: Surroundings) -> Sides:
    """Return the live generation and its source.

    Raises:
        RefusedError: when nothing serves under this alias.
    """
    aliases = here.store.aliases()
    source = read_source(book.source, store=here.store, collections=here.store.collections(), aliases=aliases)
    live = aliases.get(alias)
    if live is None:
        raise leads_to_nothing(alias, here=here)
    return Sides(source=source.name, target=live, filter=book.derived[alias].filter)


def find_drift(alias: str, *, book: CollectionsBook, here: Surroundings, repair: bool) -> DriftReport:
    """Compare count, digest and watermark of the live generation with the source; mend it where asked."""
    if not repair:
        return _compare(live_sides(alias, book=book, here=here), alias=alias, here=here)
    with FileLock(here.checkpoints.lock_path(alias), what=f"repairing `{alias}`"):
        return _repair(live_sides(alias, book=book, here=here), alias=alias, here=here)


def _compare(sides: Sides, *, alias: str, here: Surroundings) -> DriftReport:
    seen = Comparison()
    with phase(here, subject=alias, name="drift") as figures:
        for found in walk_differences(sides, store=here.store, clock=here.clock, seen=seen):
            advance(here, subject=alias, name="drift", by=found.count)
        figures |= {"compared": seen.source.count, "differing": seen.count}
    return _report(sides, alias=alias, here=here, seen=seen)


def _repair(sides: Sides, *, alias: str, here: Surroundings) -> DriftReport:
    seen = Comparison()
    written = deleted = 0
    synced_at = here.clock.now().isoformat()
    with phase(here, subject=alias, name="repair") as figures:
        mending = mend(sides, store=here.store, clock=here.clock, seen=seen, retry_seconds=_RETRY_SECONDS)
        for mended in mending:
            written += mended.written
            deleted += mended.deleted
            advance(here, subject=alias, name="repair", by=mended.written + mended.deleted)
        figures |= {"written": written, "deleted": deleted}
    report = _report(sides, alias=alias, here=here, seen=seen)
    _note_synced(sides, here=here, synced_at=synced_at, digest=seen.source.hex, points=seen.source.count)
    return replace(report, repaired=True, written=written, deleted=deleted)


def _report(sides: Sides, *, alias: str, here: Surroundings, seen: Comparison) -> DriftReport:
    noted = read_provenance(here.store.collection(sides.target).metadata)
    return DriftReport(
        alias=alias,
        live=sides.target,
        source=sides.source,
        source_points=seen.source.count,
        live_points=seen.target.count,
        missing=seen.missing,
        changed=seen.changed,
        extra=seen.extra,
        source_digest=seen.source.hex,
        live_digest=seen.target.hex,
        source_watermark=watermark_of(here.store.collection(sides.source)),
        live_watermark=noted.watermark if noted else None,
    )


def _note_synced(sides: Sides, *, here: Surroundings, synced_at: str, digest: str, points: int) -> None:
    """Renew the notes of the live generation, so that its staleness counts from now."""
    noted = read_provenance(here.store.collection(sides.target).metadata)
    if noted is None:
        return
    watermark = watermark_of(here.store.collection(sides.source))
    fresh = replace(noted, synced_at=synced_at, digest=digest, points=points, watermark=watermark)
    here.store.update_collection(sides.target, {"metadata": fresh.to_metadata()})
