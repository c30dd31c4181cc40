"""How are the parts of feeds put together: given clients, caches and books, everything that fills the API's ports."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from opsctl.clients.pool_ports import LendsConnections
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.core.units import parse_duration
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.service.book import Model, ServiceBook
from opsctl.service.cache.policy import CacheBook
from opsctl.service.feed.attention import AttentionOfItems
from opsctl.service.feed.build import FeedBuilder, Stages
from opsctl.service.feed.caches import FeedCaches
from opsctl.service.feed.content import ContentOfFeed
from opsctl.service.feed.decisions import DecisionLog
from opsctl.service.feed.exposures import ExposureLog
from opsctl.service.feed.items import FactsOfItems, ReadsVectors, ScoresOfItems, VectorsOfItems
from opsctl.service.feed.learned import LearnedStates
from opsctl.service.feed.prior import Priors
from opsctl.service.feed.reader import Readers
from opsctl.service.feed.retrieve import Retriever, Searching
from opsctl.service.feed.routes import Routes
from opsctl.service.feed.treatments import Treatments
from opsctl.service.feed.trending import TrendingBoard
from opsctl.service.resilience.unconfirmed import Unconfirmed
from opsctl.service.scoring.ports import ItemScorer
from opsctl.service.telemetry.meters import Meters

# Beyond the model's own time limit: its queue, and the loop that was busy.
_SCORING_GRACE_SECONDS = 0.1


class SearchesVectors(Searching, ReadsVectors, Protocol):
    """Whoever searches and reads vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedClients:
    """What feeds talk to: `database` and `searcher` behind their guards, where there are any.

    Args:
        patient_database: for what no request waits for.
    """

    database: LendsConnections
    patient_database: AsyncDatabase
    searcher: SearchesVectors
    scorer: ItemScorer
    caches: FeedCaches


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedBooks:
    """What was chosen for feeds; `model_id` and `dimension` are those of the embedder."""

    service: ServiceBook
    cache: CacheBook
    collections: CollectionsBook
    model_id: str
    dimension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedParts:
    """The builder, what the lower tiers are made of, and what runs beside requests: `board.run(stop)`, `log.run(stop)`.

    `unconfirmed` names the items whose vectors were read since somebody last looked whether they are true.
    """

    builder: FeedBuilder
    stages: Stages
    board: TrendingBoard
    log: DecisionLog
    unconfirmed: Unconfirmed


def assemble_feed(
    clients: FeedClients,
    *,
    books: FeedBooks,
    folder: Path,
    meters: Meters,
    now: Callable[[], float],
    steady: Callable[[], float],
) -> FeedParts:
    """Return the parts of one worker.

    Args:
        clients: open clients.
        books: the choices.
        folder: the service's own, such as `<home>/service`.
        meters: what is counted.
        now: seconds since 1970.
        steady: a monotonic clock: what is known in this process grows old by it, wherever the other one is set to.
    """
    settings, model = books.service.ranking, books.service.model
    board = TrendingBoard(
        clients.database,
        patient_database=clients.patient_database,
        path=folder / "trending.json",
        depth=books.service.limits.feed_items,
        now=now,
        steady=steady,
    )
    log = DecisionLog(clients.patient_database, meters=meters, replayable_share=settings.replayable_share)
    unconfirmed = Unconfirmed()
    stages = _assemble_stages(
        clients,
        books=books,
        board=board,
        log=log,
        unconfirmed=unconfirmed,
        meters=meters,
        now=now,
        steady=steady,
    )
    builder = FeedBuilder(stages, shortlist_items=model.shortlist, meters=meters, now=now)
    return FeedParts(builder=builder, stages=stages, board=board, log=log, unconfirmed=unconfirmed)


def _assemble_stages(  # noqa: PLR0913 - what they are made of
    clients: FeedClients,
    *,
    books: FeedBooks,
    board: TrendingBoard,
    log: DecisionLog,
    unconfirmed: Unconfirmed,
    meters: Meters,
    now: Callable[[], float],
    steady: Callable[[], float],
) -> Stages:
    settings, database, caches = books.service.ranking, clients.database, clients.caches
    facts = FactsOfItems(database, cache=caches.quality_score)
    vectors = VectorsOfItems(
        clients.searcher,
        collection=books.collections.source.collection,
        model_id=books.model_id,
        cache=caches.content_embedding,
        was_read=unconfirmed.note,
    )
    return Stages(
        board=board,
        readers=Readers(
            database,
            vectors=vectors,
            cache=caches.user_embedding,
            settings=settings,
            model_id=books.model_id,
            dimension=books.dimension,
            now=now,
        ),
        learned=LearnedStates(database, cache=caches.thompson),
        priors=Priors(board, vectors=vectors, dimension=books.dimension, steady=steady),
        retriever=Retriever(
            clients.searcher,
            routes=Routes(books.collections, use_derived=books.service.derived_collections),
            meters=meters,
            steady=steady,
            # A search that brings vectors along takes longer than reading them out of L2.
            with_vectors=not books.cache.l2.enabled,
        ),
        content=ContentOfFeed(
            facts=facts,
            vectors=vectors,
            attention=AttentionOfItems(database, now=now, steady=steady),
            dimension=books.dimension,
            now=now,
        ),
        scores=_assemble_scores(clients, books.service.model),
        log=log,
        treatments=Treatments(settings),
        exposures=ExposureLog(clients.patient_database, meters=meters),
    )


def _assemble_scores(clients: FeedClients, model: Model) -> ScoresOfItems:
    limit_seconds = parse_duration(model.timeout) + model.batch_milliseconds / 1000 + _SCORING_GRACE_SECONDS
    return ScoresOfItems(clients.scorer, cache=clients.caches.agent_score, timeout_seconds=limit_seconds)
