"""What does a query of Qdrant's REST API mean to the engine, with examples by id turned into their vectors?"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.convert_filter import engine_filter
from opsctl.stack.vector_node.convert_options import check_limit, order_by, payload_selector, search_params
from opsctl.stack.vector_node.convert_vectors import engine_vector
from opsctl.stack.vector_node.parsing import refuse_shard_key

if TYPE_CHECKING:
    import qdrant_edge as edge
    from qdrant_client.http import models


def engine_query(asked: "models.QueryRequest", *, engine: "edge.EdgeShard") -> "edge.QueryRequest":
    """Return the engine's query request; `engine` answers for the vectors of examples given by id."""
    import qdrant_edge as edge

    refuse_shard_key(asked.shard_key)
    limit = check_limit(asked.limit)
    scoring = _Scoring.of(asked, engine=engine, limit=limit)
    return edge.QueryRequest(
        limit=limit,
        offset=asked.offset,
        query=scoring.query,
        prefetches=scoring.prefetches,
        filter=scoring.filter,
        score_threshold=asked.score_threshold,
        params=search_params(asked.params),
        with_vector=asked.with_vector or False,
        with_payload=payload_selector(asked.with_payload, default=False),
    )


@dataclass(slots=True)
class _Scoring:
    """The scoring part of a query or prefetch: examples given by id are kept out of its results."""

    engine: "edge.EdgeShard"
    using: str | None
    asked_filter: "models.Filter | None"
    prefetches: "list[edge.Prefetch] | None" = None
    query: Any = None
    example_ids: set[int | str | UUID] = field(default_factory=set)

    @classmethod
    def of(
        cls, asked: "models.QueryRequest | models.Prefetch", *, engine: "edge.EdgeShard", limit: int
    ) -> "_Scoring":
        if asked.lookup_from is not None:
            raise ApiError(
                501, "Not implemented: the vector node does not look up vectors in other collections"
            )
        scoring = cls(engine=engine, using=asked.using, asked_filter=asked.filter)
        nested = asked.prefetch if isinstance(asked.prefetch, list) else [asked.prefetch]
        scoring.prefetches = [_prefetch(each, engine=engine) for each in nested if each is not None] or None
        scoring._read(asked.query, params=asked.params, limit=limit)
        return scoring

    @property
    def filter(self) -> "edge.Filter | None":
        import qdrant_edge as edge

        chosen = engine_filter(self.asked_filter)
        if not self.example_ids:
            return chosen
        return edge.Filter(
            must=None if chosen is None else [chosen], must_not=[edge.HasIdCondition(self.example_ids)]
        )

    def _read(self, asked: Any, *, params: "models.SearchParams | None", limit: int) -> None:  # noqa: C901, PLR0912 - one line for each kind
        import qdrant_edge as edge
        from qdrant_client.http import models

        match asked:
            case None:
                self.query = None
            case models.NearestQuery(mmr=None):
                self.query = edge.Query.Nearest(self._vector(asked.nearest), using=self.using)
            case models.NearestQuery():
                self._read_mmr(asked, params=params, limit=limit)
            case models.RecommendQuery():
                self.query = self._recommend(asked.recommend)
            case models.DiscoverQuery():
                pairs = self._pairs(asked.discover.context)
                target = self._vector(asked.discover.target)
                self.query = edge.Query.Discover(edge.DiscoverQuery(target, pairs), using=self.using)
            case models.ContextQuery():
                self.query = edge.Query.Context(
                    edge.ContextQuery(self._pairs(asked.context)), using=self.using
                )
            case models.OrderByQuery():
                self.query = order_by(asked.order_by)
            case models.FusionQuery(fusion=models.Fusion.RRF):
                self.query = edge.Fusion.Rrf(2)  # Qdrant's constant for the plain form
            case models.FusionQuery():
                self.query = edge.Fusion.Dbsf()
            case models.RrfQuery():
                self.query = edge.Fusion.Rrf(asked.rrf.k or 2, asked.rrf.weights)
            case models.SampleQuery():
                self.query = edge.Sample.Random
            case models.FormulaQuery() | models.RelevanceFeedbackQuery() | models.TextQuery():
                raise ApiError(
                    501, f"Not implemented: the vector node does not answer `{type(asked).__name__}`"
                )
            case _:
                self.query = edge.Query.Nearest(self._vector(asked), using=self.using)

    def _read_mmr(
        self, asked: "models.NearestQuery", *, params: "models.SearchParams | None", limit: int
    ) -> None:
        import qdrant_edge as edge

        vector = self._vector(asked.nearest)
        mmr: Any = asked.mmr
        candidates = mmr.candidates_limit or limit
        nearest = edge.Prefetch(
            limit=candidates,
            query=edge.Query.Nearest(vector, using=self.using),
            prefetches=self.prefetches,
            params=search_params(params),
            filter=self.filter,
        )
        self.prefetches = [nearest]
        diversity = 0.5 if mmr.diversity is None else mmr.diversity
        self.query = edge.Mmr(vector, lambda_=1 - diversity, candidates_limit=candidates, using=self.using)

    def _recommend(self, asked: "models.RecommendInput") -> "edge.Query":
        import qdrant_edge as edge
        from qdrant_client.http import models

        positives = [self._vector(each) for each in asked.positive or []]
        negatives = [self._vector(each) for each in asked.negative or []]
        examples = edge.RecommendQuery(positives, negatives)
        match asked.strategy:
            case models.RecommendStrategy.BEST_SCORE:
                return edge.Query.RecommendBestScore(examples, using=self.using)
            case models.RecommendStrategy.SUM_SCORES:
                return edge.Query.RecommendSumScores(examples, using=self.using)
            case _:
                return edge.Query.Nearest(_average(positives, negatives), using=self.using)

    def _pairs(self, asked: "models.ContextInput") -> "list[edge.ContextPair]":
        import qdrant_edge as edge

        pairs = asked if isinstance(asked, list) else [asked]
        return [edge.ContextPair(self._vector(each.positive), self._vector(each.negative)) for each in pairs]

    def _vector(self, asked: Any) -> Any:
        if not isinstance(asked, int | str | UUID):
            return engine_vector(asked)
        found = self.engine.retrieve([asked], False, True)  # noqa: FBT003 - positional in the engine
        if not found:
            raise ApiError(404, f"Not found: No point with id {asked} found")
        self.example_ids.add(asked)
        vectors: Any = found[0].vector
        chosen = vectors.get(self.using or "") if isinstance(vectors, dict) else vectors
        if chosen is None:
            raise ApiError(400, f"Wrong input: point {asked} has no vector `{self.using or ''}`")
        return chosen


def _prefetch(asked: "models.Prefetch", *, engine: "edge.EdgeShard") -> "edge.Prefetch":
    import qdrant_edge as edge

    limit = check_limit(asked.limit)
    scoring = _Scoring.of(asked, engine=engine, limit=limit)
    return edge.Prefetch(
        limit=limit,
        query=scoring.query,
        prefetches=scoring.prefetches,
        params=search_params(asked.params),
        filter=scoring.filter,
        score_threshold=asked.score_threshold,
    )


def _average(positives: list[Any], negatives: list[Any]) -> list[float]:
    """Return Qdrant's average-vector target: twice the mean of the positives minus the mean of the negatives."""
    import numpy as np

    if not positives:
        raise ApiError(400, "Wrong input: average_vector recommendation needs at least one positive example")
    if not all(isinstance(each, list) and not isinstance(each[0], list) for each in positives + negatives):
        raise ApiError(501, "Not implemented: average_vector recommendation works on dense vectors only")
    mean = np.mean(np.asarray(positives, dtype=np.float32), axis=0)
    if negatives:
        mean = mean + mean - np.mean(np.asarray(negatives, dtype=np.float32), axis=0)
    vector: list[float] = mean.tolist()
    return vector
