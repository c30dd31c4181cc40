"""What does a reader get when the agents cannot rank: the nearest good items, or the popular ones that suit the reader."""

from collections.abc import Sequence

from opsctl.core.errors import OpsError
from opsctl.ranking.diversity import choose_diverse
from opsctl.service.feed.build import Stages
from opsctl.service.feed.content import Content
from opsctl.service.feed.features import first_look, price_fit
from opsctl.service.feed.shape import item_of
from opsctl.service.feed.trending_feed import TrendingFeeds, feed_item
from opsctl.service.feed.values import Profile
from opsctl.service.model import Feed, FeedItem, FeedRequest, Tier
from opsctl.service.resilience.deadline import ending_within
from opsctl.service.resilience.failures import VECTORS, dependency_of
from opsctl.store.popularity import PopularItem

# Popular items among which those that suit the reader are looked for.
_POPULAR_FOR_EACH = 10
_CANDIDATES = 100
# What counts of a popular item: its standing first, then what is known of the reader.
_STANDING, _QUALITY, _PRICE_FIT = 0.4, 0.3, 0.3


class NothingSimpleError(Exception):
    """Nothing is known of the reader and the vectors cannot be asked: that is the lowest tier's feed."""


class SimpleFeeds:
    """Feeds of the middle tier: one weighted sum instead of agents, policy, model and exploration.

    Each of its parts does without what is gone: a reader whom no cache knows is a stranger, and where the search or the
    facts are gone the popular items are put in the reader's order.

    Args:
        stages: those of the highest tier, of which this one uses what it can.
        trending: makes feeds without decisions.
        part_seconds: longest wait for each part; longer than that for one call, so that a call is late before its part.
        diversity: as in the highest tier.
    """

    def __init__(
        self, stages: Stages, *, trending: TrendingFeeds, part_seconds: float, diversity: float
    ) -> None:
        self._stages = stages
        self._trending = trending
        self._part_seconds = part_seconds
        self._diversity = diversity

    async def build(self, request: FeedRequest) -> Feed:
        """Return a feed.

        Raises:
            NothingSimpleError: there is nothing that the lowest tier has not.
        """
        profile = await self._profile(request.user_id)
        items = await self._nearest(request, profile) or self._suitable(request, profile)
        if not items:
            raise NothingSimpleError
        return self._trending.feed_of(request, items, tier=Tier.SIMPLE, segment=profile.segment)

    async def _profile(self, user_id: int) -> Profile:
        readers = self._stages.readers
        try:
            async with ending_within(self._part_seconds):
                try:
                    return await readers.of(user_id)
                except OpsError as error:
                    if dependency_of(error) != VECTORS:
                        raise
                    return await readers.by_history(user_id)
        except (OpsError, TimeoutError):
            return readers.stranger(user_id)

    async def _nearest(self, request: FeedRequest, profile: Profile) -> Sequence[FeedItem]:
        try:
            async with ending_within(self._part_seconds):
                content = await self._content(request, profile)
        except (OpsError, TimeoutError):
            return ()
        candidates = content.candidates
        looks = first_look(candidates)
        count = min(request.limit, len(candidates.ids))
        order = choose_diverse(looks, candidates.vectors, count=count, diversity=self._diversity)
        return [
            item_of(content.facts[int(candidates.ids[place])], score=float(looks[place])) for place in order
        ]

    async def _content(self, request: FeedRequest, profile: Profile) -> Content:
        region = request.region or (profile.region if profile.vector is None else None)
        vector = profile.vector
        if vector is None:
            vector = await self._stages.priors.of(region=region, category=request.category)
        retrieved = await self._stages.retriever.retrieve(
            vector,
            region=region,
            category=request.category,
            candidates=max(_CANDIDATES, request.limit),
            needed=request.limit,
            hidden=profile.hidden,
        )
        return await self._stages.content.of(
            retrieved, searched_with=vector, usual_price_usd=profile.usual_price_usd
        )

    def _suitable(self, request: FeedRequest, profile: Profile) -> Sequence[FeedItem]:
        """Return the popular items that suit a reader of whom something is known."""
        if profile.segment == "cold":
            return ()
        popular = self._stages.board.nearest(
            region=request.region or profile.region,
            category=request.category,
            limit=_POPULAR_FOR_EACH * request.limit + len(profile.hidden),
        )
        scored = [
            feed_item(item, score=_suits(item, profile=profile, place=place / max(1, len(popular))))
            for place, item in enumerate(popular)
            if item.content_id not in profile.hidden
        ]
        return sorted(scored, key=lambda item: (-item.score, item.content_id))[: request.limit]


def _suits(item: PopularItem, *, profile: Profile, place: float) -> float:
    """Return how well a popular item suits a reader; `place` is 0 for the most popular one and 1 for the last."""
    fit = price_fit(item.price_usd, usual_price_usd=profile.usual_price_usd)
    known = _STANDING * (1 - place) + _QUALITY * item.quality
    if fit != fit:  # noqa: PLR0124 - NaN: nothing is known of the price
        return known / (_STANDING + _QUALITY)
    return known + _PRICE_FIT * fit
