"""Are the vectors of items any good: are categories apart, and is the sphere used; figures of a labelled sample."""

from dataclasses import dataclass

import numpy as np

from opsctl.ranking.model import Floats

_LEAST_MEMBERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingQuality:
    """Figures of a sample; None where there is too little to say.

    Args:
        silhouette: mean over points, from -1 to 1; 1 is well apart.
        davies_bouldin: 0 is best.
        uniformity: in nats, at most 0; 0 says that all vectors are the same.
    """

    silhouette: float | None
    davies_bouldin: float | None
    uniformity: float | None
    vectors: int


def embedding_quality(vectors: Floats, labels: "np.ndarray") -> EmbeddingQuality:
    """Return the figures of vectors, shape (n, d), made unit length first, and their labels, shape (n,).

    Labels with a single member count for uniformity only.

    Raises:
        ValueError: shapes differ, or a vector is zero or not finite.
    """
    points = _unit(np.asarray(vectors, dtype=np.float64))
    labels = np.asarray(labels)
    if points.shape[0] != labels.shape[0]:
        raise ValueError(f"{points.shape[0]} vectors and {labels.shape[0]} labels")
    names, counts = np.unique(labels, return_counts=True)
    kept = np.isin(labels, names[counts >= _LEAST_MEMBERS])
    clustered, of = points[kept], labels[kept]
    has_clusters = len(np.unique(of)) >= _LEAST_MEMBERS
    return EmbeddingQuality(
        silhouette=silhouette(clustered, of) if has_clusters else None,
        davies_bouldin=davies_bouldin(clustered, of) if has_clusters else None,
        uniformity=uniformity(points) if len(points) >= _LEAST_MEMBERS else None,
        vectors=len(points),
    )


def silhouette(points: Floats, labels: "np.ndarray") -> float:
    """Return the mean of (b - a) / max(a, b): a to the own cluster, b to the nearest other one (Rousseeuw 1987).

    Every cluster needs two members at least, and there must be two clusters.
    """
    names = np.unique(labels)
    distances = np.sqrt(_squared_distances(points))
    to_clusters = np.stack([distances[:, labels == name].sum(axis=1) for name in names], axis=1)
    sizes = np.array([(labels == name).sum() for name in names])
    own = np.searchsorted(names, labels)
    rows = np.arange(len(points))
    inside = to_clusters[rows, own] / (sizes[own] - 1)
    means = to_clusters / sizes
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    return float(np.mean(np.divide(outside - inside, larger, out=np.zeros_like(larger), where=larger > 0)))


def davies_bouldin(points: Floats, labels: "np.ndarray") -> float:
    """Return the mean over clusters of the worst (scatter i + scatter j) / distance (Davies and Bouldin 1979).

    Two clusters with one centre count as infinitely bad, unless neither scatters.
    """
    names = np.unique(labels)
    centres = np.stack([points[labels == name].mean(axis=0) for name in names])
    scatter = np.array(
        [
            np.linalg.norm(points[labels == name] - centre, axis=1).mean()
            for name, centre in zip(names, centres, strict=True)
        ]
    )
    apart = np.sqrt(_squared_distances(centres))
    together = scatter[:, None] + scatter[None, :]
    worse = np.where(together > 0, np.inf, 0.0)
    ratios = np.divide(together, apart, out=worse, where=apart > 0)
    np.fill_diagonal(ratios, 0.0)
    return float(ratios.max(axis=1).mean())


def uniformity(points: Floats, *, t: float = 2.0) -> float:
    """Return log E exp(-t |x - y|^2) over pairs of unit vectors (Wang and Isola 2020, t = 2): 0 is collapsed."""
    squared = _squared_distances(points)
    pairs = squared[np.triu_indices(len(points), k=1)]
    # At most 0 by its definition; the last bit of a float may say otherwise.
    return min(0.0, float(np.log(np.mean(np.exp(-t * pairs)))))


def _unit(points: Floats) -> Floats:
    lengths = np.linalg.norm(points, axis=1)
    if not np.isfinite(points).all() or (lengths == 0).any():
        raise ValueError("a vector is zero or not finite")
    unit: Floats = points / lengths[:, None]
    return unit


def _squared_distances(points: Floats) -> Floats:
    squares = (points**2).sum(axis=1)
    found = squares[:, None] + squares[None, :] - 2 * points @ points.T
    np.fill_diagonal(found, 0.0)
    clipped: Floats = np.maximum(found, 0.0)
    return clipped
