"""How is a feed made: reader, candidates, what is known of them, scores, ranking, and the decision written down."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from opsctl.metrics import service as metrics
from opsctl.ranking.agents import make_agents
from opsctl.ranking.model import Candidates, RankingOptions, RankingState
from opsctl.ranking.rank import rank
from opsctl.ranking.replay import ReplayableDecision
from opsctl.service.book import Ranking
from opsctl.service.feed.content import Content, ContentOfFeed
from opsctl.service.feed.decisions import DecisionLog, Logged
from opsctl.service.feed.exposures import ExposureLog
from opsctl.service.feed.features import shortlist, with_model_scores
from opsctl.service.feed.feed_ids import make_feed_id, seed_of
from opsctl.service.feed.items import ScoresOfItems
from opsctl.service.feed.learned import LearnedStates
from opsctl.service.feed.prior import Priors
from opsctl.service.feed.reader import Readers
from opsctl.service.feed.retrieve import Retriever
from opsctl.service.feed.shape import feed_of_slate, reader_of
from opsctl.service.feed.tell import TimedAgent, decision_of, tell_feed
from opsctl.service.feed.together import both
from opsctl.service.feed.treatments import Treatment, Treatments
from opsctl.service.feed.trending import TrendingBoard
from opsctl.service.feed.values import Profile, Retrieved, Vector
from opsctl.service.model import Feed, FeedRequest
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.trace import Stage, Trace, current_trace, tracing
from opsctl.store.popularity import PopularItem

# What L2 answered without anything being fetched or computed for this feed.
_FROM_L2 = frozenset({"hit", "stale", "negative"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What a feed is made with, stage by stage."""

    board: TrendingBoard
    readers: Readers
    learned: LearnedStates
    priors: Priors
    retriever: Retriever
    content: ContentOfFeed
    scores: ScoresOfItems
    log: DecisionLog
    treatments: Treatments
    exposures: ExposureLog


class FeedBuilder:
    """Makes feeds (`api.ports.Feeds`).

    Args:
        stages: the parts.
        shortlist_items: how many candidates the scoring model is asked about.
        meters: what is counted.
        now: seconds since 1970.
        random_bytes: source of feed ids, and so of all chance.
    """

    def __init__(
        self,
        stages: Stages,
        *,
        shortlist_items: int,
        meters: Meters,
        now: Callable[[], float] = time.time,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._stages = stages
        self._shortlist_items = shortlist_items
        self._meters = meters
        self._now = now
        self._random_bytes = random_bytes

    async def trending(
        self, *, region: str | None, category: str | None, limit: int
    ) -> Sequence[PopularItem]:
        """Return what is popular now, best first; no server is asked for that.

        Raises:
            UnknownChoiceError: region or category are in nobody's catalogue.
        """
        await self._stages.board.check_choice(region=region, category=category)
        return self._stages.board.top(region=region, category=category, limit=limit)

    async def build(self, request: FeedRequest) -> Feed:
        """Return a feed, never an empty one while the catalogue holds anything.

        Raises:
            UnknownChoiceError: region or category are in nobody's catalogue.
            OpsError: database or vectors are not there, and no cache can stand in.
        """
        await self._stages.board.check_choice(region=request.region, category=request.category)
        # The same trace in all tasks below, also where no request began one.
        with tracing(current_trace()) as trace:
            before = dict(trace.cache)
            treatment = self._stages.treatments.of(request.user_id)
            with self._stage("reader"):
                profile, state = await both(
                    self._stages.readers.of(request.user_id), self._stages.learned.current(treatment)
                )
            # Here, and not once the feed is made: an arm whose feeds fail more often must not lose its readers by it.
            self._stages.exposures.note(treatment, profile, at=self._now())
            most = max(treatment.settings.candidates, request.limit)
            content = await self._candidates(request, profile, most=most)
            candidates = await self._scored(content)
            is_from_l2 = _is_from_l2(trace, before)
            return self._rank(
                request,
                profile,
                treatment=treatment,
                state=state,
                candidates=candidates,
                content=content,
                is_from_l2=is_from_l2,
            )

    async def _candidates(self, request: FeedRequest, profile: Profile, *, most: int) -> Content:
        """Return what may be shown; where the vectors know nothing that is published, what is popular."""
        region = request.region or (profile.region if profile.vector is None else None)
        with self._stage("retrieve") as stage:
            vector = profile.vector
            if vector is None:
                vector = await self._stages.priors.of(region=region, category=request.category)
            retrieved = await self._retrieve(
                request, vector=vector, region=region, hidden=profile.hidden, most=most
            )
            stage.note = ", ".join([retrieved.path, *retrieved.notes])
        with self._stage("content") as stage:
            content = await self._content(retrieved, profile, vector=vector)
            gone = frozenset(retrieved.ids) - content.facts.keys()
            if gone and len(content.candidates.ids) < request.limit:
                # What vectors still hold and facts do not confirm took the places of others: look once more, past it.
                retrieved = await self._retrieve(
                    request, vector=vector, region=region, hidden=profile.hidden | gone, most=most
                )
                content = await self._content(retrieved, profile, vector=vector)
                stage.note = f"{len(gone)} gone or moved"
            if not len(content.candidates.ids):
                popular = self._popular(request, region=region, hidden=profile.hidden)
                content = await self._content(popular, profile, vector=vector)
                stage.note = ", ".join(filter(None, (stage.note, "popular items")))
            stage.note = ", ".join(filter(None, (stage.note, content.note)))
        return content

    async def _retrieve(
        self,
        request: FeedRequest,
        *,
        vector: Vector,
        region: str | None,
        hidden: frozenset[int],
        most: int,
    ) -> Retrieved:
        return await self._stages.retriever.retrieve(
            vector,
            region=region,
            category=request.category,
            candidates=most,
            needed=request.limit,
            hidden=hidden,
        )

    async def _content(self, retrieved: Retrieved, profile: Profile, *, vector: Vector) -> Content:
        return await self._stages.content.of(
            retrieved,
            searched_with=vector,
            usual_price_usd=profile.usual_price_usd,
        )

    def _popular(self, request: FeedRequest, *, region: str | None, hidden: frozenset[int]) -> Retrieved:
        for in_region, of_category in ((region, request.category), (region, None), (None, None)):
            items = self._stages.board.top(
                region=in_region, category=of_category, limit=request.limit + len(hidden)
            )
            ids = tuple(item.content_id for item in items if item.content_id not in hidden)
            if ids:
                return Retrieved(ids=ids, path="popular")
        return Retrieved(ids=(), path="popular")

    async def _scored(self, content: Content) -> Candidates:
        with self._stage("score") as stage:
            asked = shortlist(content.candidates, size=self._shortlist_items)
            if not asked:
                return content.candidates
            scored = await self._stages.scores.of([content.facts[item] for item in asked])
            # Also where old scores answered: nobody shall take a stand-in's scores for a model's.
            stage.note = ", ".join(
                filter(None, ("simulated" * self._stages.scores.is_simulated, scored.note))
            )
            return with_model_scores(content.candidates, scored.scores)

    def _rank(  # noqa: PLR0913 - what a feed is made of
        self,
        request: FeedRequest,
        profile: Profile,
        *,
        treatment: Treatment,
        state: RankingState,
        candidates: Candidates,
        content: Content,
        is_from_l2: bool,
    ) -> Feed:
        now_seconds = self._now()
        feed_id = make_feed_id(now_seconds=now_seconds, random_bytes=self._random_bytes(10))
        seed = seed_of(feed_id)
        reader, options = reader_of(profile), _options(treatment.settings, limit=request.limit)
        agents = [TimedAgent(agent) for agent in make_agents(options.agents, options.custom_weights)]
        with self._stage("rank"):
            slate = rank(candidates, reader, state=state, options=options, seed=seed, agents=agents)
        feed = feed_of_slate(
            feed_id,
            profile,
            slate=slate,
            facts=content.facts,
            generated_at=datetime.fromtimestamp(now_seconds, UTC),
            is_from_l2=is_from_l2,
            experiments=treatment.arms,
        )
        with self._stage("log"):
            inputs = (
                ReplayableDecision(
                    candidates=candidates,
                    reader=reader,
                    state=state,
                    options=options,
                    seed=seed,
                    slate=slate,
                )
                if self._stages.log.is_replayable(seed)
                else None
            )
            decision = decision_of(
                feed,
                slate=slate,
                context=reader.context,
                decided_at=feed.generated_at,
                learner=treatment.learner,
            )
            self._stages.log.offer(Logged(decision=decision, inputs=inputs))
            tell_feed(
                feed,
                slate=slate,
                agents=agents,
                is_simulated=self._stages.scores.is_simulated,
                meters=self._meters,
            )
        return feed

    @contextmanager
    def _stage(self, name: str) -> Iterator[Stage]:
        trace = current_trace()
        began = trace.clock()
        try:
            with trace.stage(name) as stage:
                yield stage
        finally:
            self._meters.observe(metrics.STAGE_SECONDS, name, value=trace.clock() - began)


def _options(settings: Ranking, *, limit: int) -> RankingOptions:
    return RankingOptions(
        limit=limit,
        agents=tuple(settings.agents),
        exploration_share=settings.exploration_share,
        propensity_floor=settings.propensity_floor,
        diversity=settings.diversity,
        custom_weights=settings.custom_weights,
    )


def _is_from_l2(trace: Trace, before: Mapping[str, int]) -> bool:
    """Tell whether every lookup of an item since then was answered by L2."""
    outcomes = [
        key.rpartition(".")[2]
        for key, count in trace.cache.items()
        if key.startswith("l2.") and count > before.get(key, 0)
    ]
    return bool(outcomes) and _FROM_L2.issuperset(outcomes)
