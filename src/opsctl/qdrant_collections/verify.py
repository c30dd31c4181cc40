"""Does a generation hold exactly the points it should, and are its searches good enough to serve?"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.clients.qdrant_values import Query
from opsctl.core.clock import Clock
from opsctl.core.units import format_count, format_duration
from opsctl.qdrant_collections.difference import Comparison, Sides, walk_differences
from opsctl.qdrant_collections.measure import TOP, SearchQuality, measure_searches, sample_vectors
from opsctl.qdrant_collections.model import Budgets
from opsctl.qdrant_collections.store import VectorStore

_VECTORS_COMPARED = 200
_VECTOR_TOLERANCE = 1e-4  # float32 has seven digits; normalising twice costs the last two
_ROUNDS = 4  # of `queries` each, used while recall cannot be told from its budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One thing that was checked, with what was seen."""

    name: str
    ok: bool
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Everything that was checked about one generation."""

    source: str
    target: str
    checks: tuple[Verified, ...]
    comparison: Comparison
    quality: SearchQuality | None

    @property
    def ok(self) -> bool:
        """Tell whether every check passed."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Verified, ...]:
        """Return the checks that did not pass."""
        return tuple(check for check in self.checks if not check.ok)

    def figures(self) -> dict[str, Any]:
        """Return the numbers worth showing and recording."""
        figures: dict[str, Any] = {
            "points": self.comparison.target.count,
            "digest": self.comparison.target.hex,
        }
        if self.quality is not None:
            figures |= {
                "recall": round(self.quality.recall.mean, 4),
                "recall_low": round(self.quality.recall.low, 4),
                "queries": self.quality.recall.queries,
                "p95_engine_ms": round(self.quality.engine_p95_seconds * 1000, 3),
                "p95_client_ms": round(self.quality.client_p95_seconds * 1000, 3),
                "source_p95_engine_ms": round(self.quality.source_engine_p95_seconds * 1000, 3),
                "source_p95_client_ms": round(self.quality.source_client_p95_seconds * 1000, 3),
            }
        return figures


def verify_generation(
    sides: Sides, *, store: VectorStore, clock: Clock, using: str, budgets: Budgets, queries: int
) -> Verification:
    """Check a generation against the source: counts, digest, filter, vectors, recall and latency."""
    seen = Comparison()
    for _found in walk_differences(sides, store=store, clock=clock, seen=seen):
        pass
    checks = list(_content_checks(sides, store=store, seen=seen))
    checks.append(_check_vectors(sides, store=store))
    quality = _measure(sides, store=store, using=using, budgets=budgets, queries=queries)
    if quality is not None:
        checks += _quality_checks(quality, budgets=budgets)
    return Verification(
        source=sides.source, target=sides.target, checks=tuple(checks), comparison=seen, quality=quality
    )


def _content_checks(sides: Sides, *, store: VectorStore, seen: Comparison) -> Iterator[Verified]:
    expected = store.count(sides.source, filter=sides.filter.to_qdrant())
    actual = store.count(sides.target)
    yield Verified(
        name="counts",
        ok=expected == actual,
        evidence=f"{format_count(actual)} points, {format_count(expected)} in the source",
    )
    differing = f"{seen.missing} missing, {seen.changed} changed, {seen.extra} too many"
    yield Verified(
        name="digest",
        ok=seen.is_equal,
        evidence=seen.target.hex
        if seen.is_equal
        else f"{differing}; {seen.target.hex} is not {seen.source.hex}",
    )
    outside = store.count(sides.target, filter={"must_not": [sides.filter.to_qdrant()]})
    yield Verified(
        name="filter",
        ok=outside == 0 and seen.misfits == 0,
        evidence=f"{outside} points fail the filter by the engine, {seen.misfits} by our own test",
    )


def _check_vectors(sides: Sides, *, store: VectorStore) -> Verified:
    ids = [point["id"] for point in store.sample(sides.target, limit=_VECTORS_COMPARED)]
    expected = {
        point["id"]: point["vector"] for point in store.retrieve(sides.source, ids, with_vectors=True)
    }
    actual = {point["id"]: point["vector"] for point in store.retrieve(sides.target, ids, with_vectors=True)}
    differing = [
        point_id for point_id in ids if not same_vector(actual.get(point_id), expected.get(point_id))
    ]
    shown = f": such as point {differing[0]}" if differing else ""
    return Verified(
        name="vectors", ok=not differing, evidence=f"{len(ids)} compared, {len(differing)} differ{shown}"
    )


def same_vector(one: Any, other: Any) -> bool:
    """Tell whether two vectors, of whatever kind, are the same but for their last digits."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_vector(one[name], other[name]) for name in one)
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        return len(one) == len(other) and all(map(same_vector, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_VECTOR_TOLERANCE, abs_tol=_VECTOR_TOLERANCE)
    return one is None and other is None


def _measure(
    sides: Sides, *, store: VectorStore, using: str, budgets: Budgets, queries: int
) -> SearchQuality | None:
    """Measure the searches; None for an empty collection, which answers nothing, rightly."""
    if store.count(sides.target) == 0:
        return None
    vectors = sample_vectors(store, source=sides.source, using=using, count=queries * _ROUNDS)
    asked = [
        Query(vector=vector, limit=TOP, filter=sides.filter.to_qdrant(), using=using or None)
        for vector in vectors
    ]
    return measure_searches(
        store, source=sides.source, target=sides.target, queries=asked, budget=budgets.recall
    )


def _quality_checks(quality: SearchQuality, *, budgets: Budgets) -> Iterator[Verified]:
    found = quality.recall
    yield Verified(
        name="recall",
        ok=found.low >= budgets.recall,
        evidence=f"{found.mean:.4f} ({found.low:.4f} to {found.high:.4f}) of {found.queries} searches, "
        f"budget {budgets.recall:g}",
    )
    yield Verified(
        name="p95",
        ok=quality.engine_p95_seconds <= budgets.p95_seconds,
        evidence=f"{format_duration(quality.engine_p95_seconds)} in the engine, "
        f"{format_duration(quality.client_p95_seconds)} for the client; filtered source "
        f"{format_duration(quality.source_engine_p95_seconds)} and "
        f"{format_duration(quality.source_client_p95_seconds)}; budget {budgets.p95}",
    )
