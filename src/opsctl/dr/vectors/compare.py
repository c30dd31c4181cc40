"""Is a collection what its manifest says: parameters, payload indexes, notes, points?"""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.errors import FailedError
from opsctl.core.findings import Finding, Severity
from opsctl.dr.manifest import VectorSnapshot
from opsctl.dr.vectors.notes import notes_of, schema_of
from opsctl.dr.vectors.ports import Returning, VectorStore
from opsctl.dr.vectors.scan import scan
from opsctl.store.outbox import Watermark

CODE = "DRC048"
_METADATA = "metadata"


def missing_indexes(
    snapshot: VectorSnapshot, *, state: CollectionState
) -> dict[str, str | Mapping[str, Any]]:
    """Return the payload indexes that are missing or of another kind, in the words that make them."""
    there = schema_of(state)
    return {
        field: schema.get("params") or schema["data_type"]
        for field, schema in snapshot.payload_schema.items()
        if there.get(field) != schema
    }


def require_notes(snapshot: VectorSnapshot, *, name: str, store: VectorStore) -> bool:
    """See that the collection notes what it did; tell whether that had to be written anew.

    A Qdrant server that recovers over a collection keeps the notes of that one: its watermark would say that changes
    are in which are not.
    """
    noted = snapshot.config.get(_METADATA) or {}
    state = store.collection(name)
    is_as_saved = all(state.metadata.get(key) == value for key, value in noted.items())
    # What was noted during an unquiet snapshot may be in it; a watermark from outside of that time cannot.
    if is_as_saved or (not snapshot.is_quiet and _is_within(notes_of(state).watermark, snapshot)):
        return False
    store.update_collection(name, {_METADATA: noted})
    return True


def require_equal(snapshot: VectorSnapshot, *, name: str, here: Returning) -> None:
    """Compare parameters, payload indexes and, where the snapshot was quiet, every id and payload.

    Raises:
        FailedError: DRC048 with everything that differs.
    """
    state = here.store.collection(name)
    differing = list(_config_differences(snapshot.config, state.config))
    lost = missing_indexes(snapshot, state=state)
    differing += [f"payload index `{field}` is {state.payload_schema.get(field)}" for field in lost]
    if snapshot.is_quiet:
        differing += _point_differences(snapshot, name=name, here=here)
    if not differing:
        return
    raise FailedError(
        f"`{name}` came back, and is not what was saved",
        code=CODE,
        why="; ".join(differing),
        fix="restore from another backup, or build the vectors anew from the truth: opsctl catalog sync --from-scratch",
        findings=[Finding(code=CODE, severity=Severity.ERROR, title=each) for each in differing],
    )


def _point_differences(snapshot: VectorSnapshot, *, name: str, here: Returning) -> Iterator[str]:
    count = here.store.count(name)
    if count != snapshot.points:
        yield f"{count:,} points, there were {snapshot.points:,}"
        return
    found = scan(name, store=here.store, clock=here.clock, listener=here.listener)
    if found.ids_sha256 != snapshot.ids_sha256:
        yield f"other ids: SHA-256 {found.ids_sha256}, it was {snapshot.ids_sha256}"
    elif found.points_digest != snapshot.points_digest:
        yield f"other payloads: digest {found.points_digest}, it was {snapshot.points_digest}"


def _config_differences(saved: Any, live: Any, *, at: str = "") -> Iterator[str]:
    """Yield where the saved parameters are others now; what a newer patch adds is no difference."""
    if isinstance(saved, Mapping) and isinstance(live, Mapping):
        for key, value in saved.items():
            if at or key != _METADATA:
                yield from _config_differences(value, live.get(key), at=f"{at}.{key}" if at else key)
    elif saved != live:
        yield f"`{at}` is {live}, it was {saved}"


def _is_within(live: str | None, snapshot: VectorSnapshot) -> bool:
    """Tell whether the watermark is one that the snapshot may hold."""
    before, after = snapshot.watermark_before, snapshot.watermark_after
    if live in {before, after}:
        return True
    if live is None or before is None or after is None:
        return False
    try:
        return Watermark.parse(before) <= Watermark.parse(live) <= Watermark.parse(after)
    except ValueError:
        return False
