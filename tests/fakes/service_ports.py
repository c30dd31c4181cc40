"""A service in memory: the ports of the API with their real meaning, and nothing behind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from opsctl.service.api.ports import UnknownChoiceError, UnknownVendorError
from opsctl.service.model import Feed, FeedItem, FeedRequest, Tier
from opsctl.store.content_writes import Content, NewContent
from opsctl.store.popularity import PopularItem
from opsctl.store.readers import NewInteraction, RecordedInteractions

POSITIVE = frozenset({"click", "save", "share", "inquiry", "purchase"})
AGENTS = ("discovery", "quality", "archivist", "serendipity")
START = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


def example_content(**changes: object) -> NewContent:
    """Return an item of vendor 1."""
    values: dict[str, object] = {
        "vendor_id": 1,
        "title": "Letterpress studio",
        "description": "Invitations and posters.\nPrinted by hand.",
        "region": "Brooklyn",
        "district": None,
        "category": "print",
        "tags": ("letterpress", "paper"),
        "price_usd": 120.5,
        "quality": 0.875,
        "status": "published",
    }
    return NewContent(**(values | changes))  # type: ignore[arg-type]


@dataclass
class FakeService:
    """All four ports over one catalogue; what is wrong with it is set by `failure` and `states`.

    Args:
        vendors: those that exist.
        failure: raised by every call, when set.
        hides_items: feeds come out empty whatever there is, which is a defect.
    """

    vendors: set[int] = field(default_factory=lambda: {1, 2, 3})
    now: Callable[[], datetime] = lambda: START
    failure: Exception | None = None
    hides_items: bool = False
    is_answered_by_l2: bool = False
    states: dict[str, str] = field(default_factory=lambda: {"database": "ok", "vectors": "ok", "l2": "ok"})
    items: dict[int, Content] = field(default_factory=dict)
    recorded: dict[str, NewInteraction] = field(default_factory=dict)

    async def build(self, request: FeedRequest) -> Feed:
        """Return the best of the catalogue, by quality."""
        self._fail()
        self._require_choices(region=request.region, category=request.category)
        found = [] if self.hides_items else self._published(request.region, request.category)
        return Feed(
            feed_id=f"feed-{request.user_id}-{len(self.recorded)}",
            user_id=request.user_id,
            items=tuple(_feed_item(each) for each in found[: request.limit]),
            tier=Tier.MULTI_AGENT,
            segment="cold",
            generated_at=self.now(),
            weights=dict.fromkeys(AGENTS, 0.25),
            arm="fresh",
            propensity=0.123456,
            arms_version=3,
            policy_version=5,
            answered_by_l2=self.is_answered_by_l2,
        )

    async def trending(
        self, *, region: str | None, category: str | None, limit: int
    ) -> Sequence[PopularItem]:
        """Return items by the smoothed share of positive interactions."""
        self._fail()
        self._require_choices(region=region, category=category)
        found = [(self._positive_share(each.id), each) for each in self._published(region, category)]
        found.sort(key=lambda pair: (-pair[0], pair[1].id))
        return [_trending_item(each, score=share) for share, each in found[:limit]]

    async def record(self, batch: Sequence[NewInteraction]) -> RecordedInteractions:
        """Keep the first interaction of each key."""
        self._fail()
        accepted: list[str] = []
        repeated: list[str] = []
        unknown: list[str] = []
        for each in batch:
            if each.idempotency_key in self.recorded or each.idempotency_key in unknown:
                repeated.append(each.idempotency_key)
            elif each.content_id not in self.items:
                unknown.append(each.idempotency_key)
            else:
                self.recorded[each.idempotency_key] = each
                accepted.append(each.idempotency_key)
        return RecordedInteractions(
            accepted=tuple(accepted), repeated=tuple(repeated), unknown_content=tuple(unknown)
        )

    async def read(self, content_id: int) -> Content | None:
        """Return an item; None when there is none."""
        self._fail()
        return self.items.get(content_id)

    async def write(self, content_id: int, new: NewContent) -> tuple[Content, bool]:
        """Insert or replace an item; tell whether it is new."""
        self._fail()
        if new.vendor_id not in self.vendors:
            raise UnknownVendorError(new.vendor_id)
        is_new = content_id not in self.items
        self.items[content_id] = _content(content_id, new, updated_at=self.now())
        return self.items[content_id], is_new

    async def delete(self, content_id: int) -> bool:
        """Remove an item; tell whether it was there."""
        self._fail()
        return self.items.pop(content_id, None) is not None

    async def check(self) -> Mapping[str, str]:
        """Return `ok` or the reason for each dependency."""
        return self.states

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _published(self, region: str | None, category: str | None) -> list[Content]:
        found = [
            each
            for each in self.items.values()
            if each.status == "published"
            and region in {None, each.region}
            and category in {None, each.category}
        ]
        return sorted(found, key=lambda each: (-each.quality, each.id))

    def _require_choices(self, **asked: str | None) -> None:
        for name, value in asked.items():
            choices = sorted({str(getattr(each, name)) for each in self.items.values()})
            if value is not None and value not in choices:
                raise UnknownChoiceError(field=name, value=value, choices=choices)

    def _positive_share(self, content_id: int) -> float:
        kinds = [each.kind for each in self.recorded.values() if each.content_id == content_id]
        # One positive in two is believed of an item that nobody has seen.
        return (sum(kind in POSITIVE for kind in kinds) + 1) / (len(kinds) + 2)


def filled_service(items: int = 30) -> FakeService:
    """Return a service with a catalogue of so many items, the best first."""
    service = FakeService()
    for number in range(1, items + 1):
        new = example_content(
            vendor_id=1 + number % 3,
            title=f"Studio {number} for letterpress and fine paper",
            region=("Brooklyn", "Manhattan")[number % 2],
            category=("print", "photo", "music")[number % 3],
            quality=1 - number / 1000,
            price_usd=None if number % 7 == 0 else 10.0 * number,
        )
        service.items[number] = _content(number, new, updated_at=service.now())
    return service


def _content(content_id: int, new: NewContent, *, updated_at: datetime) -> Content:
    return Content(
        id=content_id,
        vendor_id=new.vendor_id,
        title=new.title,
        description=new.description,
        region=new.region,
        district=new.district,
        category=new.category,
        tags=new.tags,
        price_usd=new.price_usd,
        quality=new.quality,
        status=new.status,
        updated_at=updated_at,
    )


def _trending_item(content: Content, *, score: float) -> PopularItem:
    return PopularItem(
        content_id=content.id,
        vendor_id=content.vendor_id,
        title=content.title,
        region=content.region,
        category=content.category,
        price_usd=content.price_usd,
        quality=content.quality,
        score=score,
    )


def _feed_item(content: Content) -> FeedItem:
    return FeedItem(
        content_id=content.id,
        vendor_id=content.vendor_id,
        title=content.title,
        region=content.region,
        category=content.category,
        price_usd=content.price_usd,
        quality=content.quality,
        score=content.quality / 3,
        agents={agent: content.quality / (number + 1) for number, agent in enumerate(AGENTS)},
        explored_by="fresh" if content.id % 10 == 0 else None,
    )
