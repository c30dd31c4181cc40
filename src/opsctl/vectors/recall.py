"""How much of the truth did a search find: recall against exact search, tolerant of ties."""

from collections.abc import Sequence

from opsctl.vectors.search import Answer

# Scores of float32 vectors differ in the last bits between an exact scan and the index.
SCORE_TOLERANCE = 1e-5


def recall(found: Answer, truth: Answer, *, tolerance: float = SCORE_TOLERANCE) -> float:
    """Return the share of the true neighbours that were found, in [0, 1].

    A point with the score of the last true neighbour counts as found whichever of the tied ones it is.
    Source: the distance-based recall of ann-benchmarks. An empty truth is fully found by an empty answer.
    """
    if not truth.ids:
        return 1.0 if not found.ids else 0.0
    threshold = truth.scores[-1] - tolerance
    true_ids = set(truth.ids)
    hits = sum(
        1
        for point, score in zip(found.ids[: len(truth.ids)], found.scores, strict=False)
        if point in true_ids or score >= threshold
    )
    return min(hits, len(truth.ids)) / len(truth.ids)


def recalls(found: Sequence[Answer], truth: Sequence[Answer]) -> list[float]:
    """Return the recall of each query, in order; both rows must answer the same queries."""
    return [recall(answer, exact) for answer, exact in zip(found, truth, strict=True)]
