"""Are vectors and searches any good: a sample of the source, and a few exact searches beside usual ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from opsctl.exporters.family import Value
from opsctl.metrics import exporters as metrics
from opsctl.vectors.recall import recall
from opsctl.vectors.search import Search, Searcher

SAMPLED = 1000
"""Enough for two digits; its distances take 8 MB and some ten milliseconds."""
_PROBES = 20
_NEIGHBOURS = 10


class Samples(Protocol):
    """Whoever can draw items of the source with vector and category."""

    def draw(self, count: int) -> Sequence[tuple[Sequence[float], str]]:
        """Return so many items at most, chosen by chance."""
        ...


def embedding_values(
    samples: Samples, *, searcher: Searcher, collections: Mapping[str, str]
) -> tuple[Value, ...]:
    """Return quality of the vectors, and recall of each collection; nothing for a source without items.

    Args:
        samples: draws items of the source.
        searcher: searches, exactly or as the service does.
        collections: what to search, by the name under which it is told.
    """
    import numpy as np

    from opsctl.ranking.embedding_quality import embedding_quality

    drawn = samples.draw(SAMPLED)
    if not drawn:
        return ()
    vectors = np.array([vector for vector, _ in drawn])
    quality = embedding_quality(vectors, np.array([label for _, label in drawn]))
    figures = (
        (metrics.SILHOUETTE, quality.silhouette),
        (metrics.DAVIES_BOULDIN, quality.davies_bouldin),
        (metrics.UNIFORMITY, quality.uniformity),
        (metrics.SAMPLED_VECTORS, float(quality.vectors)),
    )
    told = tuple(Value(metric, (), number) for metric, number in figures if number is not None)
    return (*told, *_recalls([vector for vector, _ in drawn[:_PROBES]], searcher, collections))


def _recalls(
    probes: Sequence[Sequence[float]], searcher: Searcher, collections: Mapping[str, str]
) -> Iterator[Value]:
    for name, collection in sorted(collections.items()):
        found = [
            recall(
                searcher.search(Search(collection=collection, vector=probe, limit=_NEIGHBOURS)),
                searcher.search(Search(collection=collection, vector=probe, limit=_NEIGHBOURS, exact=True)),
            )
            for probe in probes
        ]
        yield Value(metrics.RECALL, (name,), sum(found) / len(found))
