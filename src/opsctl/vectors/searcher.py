"""How does a Qdrant server answer our searches: the Searcher that measuring works with."""

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import Query
from opsctl.vectors.search import Answer, Search


class QdrantSearcher:
    """Answers searches from a vector database; `using` names the vector where a collection has several."""

    def __init__(self, store: QdrantStore, *, using: str | None = None) -> None:
        self._store = store
        self._using = using

    def search(self, search: Search) -> Answer:
        """Answer one search."""
        query = Query(
            vector=search.vector,
            limit=search.limit,
            filter=None if search.filter is None else search.filter.to_qdrant(),
            exact=search.exact,
            acorn=search.acorn,
            hnsw_ef=search.hnsw_ef,
            using=self._using,
        )
        found = self._store.query(search.collection, query)
        return Answer(
            ids=found.ids,
            scores=found.scores,
            engine_seconds=found.engine_seconds,
            client_seconds=found.client_seconds,
        )
