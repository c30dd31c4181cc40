"""Do searches find what they found when the snapshot was taken: golden queries, chosen and checked.

A snapshot's digests are of ids and payloads. What golden queries add are the vectors: swapped, scaled, of another
model. They look at about a hundred points a collection, so they find what went wrong with many, not with one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opsctl.clients.qdrant_values import CollectionState, Found, Point, PointId, Query
from opsctl.dr.manifest import GoldenQuery
from opsctl.dr.vectors.ports import ReadableStore

GOLDEN_QUERIES = 10
_NEIGHBOURS = 10
# An exact scan by the same engine gives the same score to the last bits of a float32, relative to its size.
SCORE_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCheck:
    """How the answers of today compare with the stored ones.

    `recall` is over all queries, `worst_recall` that of the worst one; `worst_score_difference` is the largest change
    of the score of any point that is in both answers.
    """

    queries: int
    recall: float
    worst_recall: float
    worst_score_difference: float

    @property
    def holds(self) -> bool:
        """Tell whether every search finds exactly what it found."""
        return self.worst_recall == 1.0 and self.worst_score_difference <= SCORE_TOLERANCE


def ask_golden(collection: str, ids: Sequence[PointId], *, store: ReadableStore) -> tuple[GoldenQuery, ...]:
    """Return searches by the vectors of these points of the collection, with their exact answers.

    There are none for a collection without dense vectors; of several vectors it is the first one by name.
    """
    using = using_of(store.collection(collection))
    if using is None or not ids:
        return ()
    found = {point["id"]: point for point in store.retrieve(collection, ids, with_vectors=True)}
    vectors = [_vector(found[point_id], using=using) for point_id in ids if point_id in found]
    return tuple(_asked(collection, vector, using=using, store=store) for vector in vectors if vector)


def check_golden(
    queries: Sequence[GoldenQuery], *, store: ReadableStore, names: Mapping[str, str] | None = None
) -> GoldenCheck:
    """Ask again and compare; to be done before anything is replayed, for it is the snapshot that is looked at.

    Args:
        queries: what was asked, with the answers.
        store: where to ask.
        names: under which other names collections were put back.
    """
    recalls, differences = [1.0], [0.0]
    for query in queries:
        name = (names or {}).get(query.collection, query.collection)
        using = using_of(store.collection(name))
        now = store.query(name, _query(query.vector, using=using, limit=max(1, len(query.ids))))
        recalls.append(_recall(query, now))
        differences.append(_score_difference(query, now))
    counted = recalls[1:] or recalls
    return GoldenCheck(
        queries=len(queries),
        recall=sum(counted) / len(counted),
        worst_recall=min(recalls),
        worst_score_difference=max(differences),
    )


def using_of(state: CollectionState) -> str | None:
    """Return the name of the vector to search by, '' for the unnamed one; None where there is no dense one."""
    single = [
        name for name, params in sorted(state.vectors.items()) if params.get("multivector_config") is None
    ]
    return single[0] if single else None


def _asked(collection: str, vector: Sequence[float], *, using: str, store: ReadableStore) -> GoldenQuery:
    found = store.query(collection, _query(vector, using=using, limit=_NEIGHBOURS))
    return GoldenQuery(collection=collection, vector=tuple(vector), ids=found.ids, scores=found.scores)


def _query(vector: Sequence[float], *, using: str | None, limit: int) -> Query:
    return Query(vector=list(vector), limit=limit, exact=True, using=using or None)


def _vector(point: Point, *, using: str) -> Sequence[float]:
    vector = point.get("vector") or ()
    return (vector.get(using) or ()) if isinstance(vector, dict) else vector


def _recall(then: GoldenQuery, now: Found) -> float:
    """Return the share of the stored points that are found again.

    A point that is missing is forgiven only at the end of both answers, where a tie leaves open which one is told.
    That two points have changed places is not forgiven, though the row of scores is the same.
    """
    if not then.ids:
        return 1.0 if not now.ids else 0.0
    again = set(now.ids)
    kept = [
        point_id in again or (_is_same(score, then.scores[-1]) and _ends_with(now, score))
        for point_id, score in zip(then.ids, then.scores, strict=True)
    ]
    return sum(kept) / len(kept)


def _ends_with(now: Found, score: float) -> bool:
    return bool(now.scores) and _is_same(now.scores[-1], score)


def _score_difference(then: GoldenQuery, now: Found) -> float:
    scores = dict(zip(now.ids, now.scores, strict=True))
    found = [
        (score, scores[point_id])
        for point_id, score in zip(then.ids, then.scores, strict=True)
        if point_id in scores
    ]
    return max((_difference(before, after) for before, after in found), default=0.0)


def _is_same(one: float, other: float) -> bool:
    return _difference(one, other) <= SCORE_TOLERANCE


def _difference(one: float, other: float) -> float:
    # Dot products and distances have no scale of their own; below one it is the plain difference.
    return abs(one - other) / max(1.0, abs(one))
