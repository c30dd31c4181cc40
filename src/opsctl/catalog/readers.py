"""How are believable readers made from a seed: tastes over a catalogue, and what each of them did with its items."""

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate

PERIOD = timedelta(days=60)
_MOST_INTERACTIONS = 500
# Pareto, the continuous Zipf: with this exponent and scale, and the cap, a reader does about 40 things on average.
_ACTIVITY_EXPONENT = 1.25
_ACTIVITY_SCALE = 12.0
# Readers who were seen and did nothing yet: a feed has to serve them too.
_COLD_SHARE = 0.05
_HOME_SHARE = 0.85
# Within a category, the item of rank r is met in proportion to quality^2 / r^0.8.
_POPULARITY_EXPONENT = 0.8
# Of those who clicked: what they go on to do. Of those who did not: how many hide the item, at quality 0.
_AFTER_CLICK = (("save", 0.28), ("share", 0.07), ("inquiry", 0.12), ("purchase", 0.035))
_HIDE_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """What a reader sees of an item."""

    id: int
    region: str
    category: str
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that a reader did with an item."""

    content_id: int
    kind: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedReader:
    """A reader, where it is at home, and what it did, the oldest first."""

    user_id: int
    region: str
    deeds: tuple[Deed, ...]


@dataclass(slots=True)
class _Shelf:
    """Items of one region and category, with the cumulated chance that one of them is met."""

    items: list[CatalogueItem] = field(default_factory=list)
    cumulated: list[float] = field(default_factory=list)

    def pick(self, source: random.Random) -> CatalogueItem:
        place = bisect(self.cumulated, source.random() * self.cumulated[-1], hi=len(self.items) - 1)
        return self.items[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    """The catalogue as readers meet it."""

    shelves: dict[tuple[str, str], _Shelf]
    regions: tuple[str, ...]
    regions_cumulated: tuple[float, ...]
    categories: tuple[str, ...]
    categories_cumulated: tuple[float, ...]


def generate_readers(
    items: Sequence[CatalogueItem], *, users: int, seed: int, now: datetime
) -> Iterator[SimulatedReader]:
    """Yield readers 1 to `users`; a reader of a seed is the same whatever the number of others.

    Everything happened within the last 60 days. Without items there is nothing to do, so all readers are cold.
    """
    market = _open_market(items, seed=seed)
    for user_id in range(1, users + 1):
        source = random.Random(f"{seed} {user_id}")  # noqa: S311 - a seed, not a secret
        yield _make_reader(user_id, market=market, source=source, now=now)


def _open_market(items: Sequence[CatalogueItem], *, seed: int) -> _Market:
    shelves: dict[tuple[str, str], _Shelf] = {}
    for item in sorted(items, key=lambda item: item.id):
        shelves.setdefault((item.region, item.category), _Shelf()).items.append(item)
    source = random.Random(f"{seed} market")  # noqa: S311 - a seed, not a secret
    regions: dict[str, float] = {}
    categories: dict[str, float] = {}
    for (region, category), shelf in sorted(shelves.items()):
        source.shuffle(shelf.items)
        shelf.cumulated = list(
            accumulate(
                (0.05 + item.quality**2) / rank**_POPULARITY_EXPONENT
                for rank, item in enumerate(shelf.items, 1)
            )
        )
        regions[region] = regions.get(region, 0) + len(shelf.items)
        categories[category] = categories.get(category, 0) + len(shelf.items)
    return _Market(
        shelves=shelves,
        regions=tuple(regions),
        regions_cumulated=tuple(accumulate(regions.values())),
        categories=tuple(categories),
        categories_cumulated=tuple(accumulate(categories.values())),
    )


def _make_reader(user_id: int, *, market: _Market, source: random.Random, now: datetime) -> SimulatedReader:
    if not market.regions:
        return SimulatedReader(user_id=user_id, region="", deeds=())
    home = _weighted(market.regions, market.regions_cumulated, source)
    # One to three categories; the first is looked at most.
    tastes = [
        _weighted(market.categories, market.categories_cumulated, source) for _ in range(source.randint(1, 3))
    ]
    wanted = 0 if source.random() < _COLD_SHARE else _activity(source)
    deeds: list[Deed] = []
    while len(deeds) < wanted:
        category = tastes[min(int(source.expovariate(1.0)), len(tastes) - 1)]
        region = (
            home
            if source.random() < _HOME_SHARE
            else _weighted(market.regions, market.regions_cumulated, source)
        )
        shelf = market.shelves.get((region, category))
        if shelf is None:
            # Nobody offers that there: the reader takes what there is at home.
            shelf = market.shelves[_any_shelf(market, home, source)]
        deeds += _meet(shelf.pick(source), source=source, now=now)
    deeds = sorted(deeds[:wanted], key=lambda deed: deed.occurred_at)
    return SimulatedReader(user_id=user_id, region=home, deeds=tuple(deeds))


def _meet(item: CatalogueItem, *, source: random.Random, now: datetime) -> list[Deed]:
    """Return what a reader does with an item that it meets: look, and the better the item the more often act."""
    # The recent weeks are busier; the last hour is left for what follows the look.
    at = now - timedelta(hours=1) - (PERIOD - timedelta(hours=2)) * source.random() ** 1.3
    deeds = [Deed(content_id=item.id, kind="view", occurred_at=at)]
    if source.random() < 0.08 + 0.35 * item.quality**2:
        kinds = ["click", *(kind for kind, share in _AFTER_CLICK if source.random() < share)]
    else:
        kinds = ["hide"] if source.random() < _HIDE_SHARE * (1 - item.quality) else []
    for kind in kinds:
        at += timedelta(seconds=1 + int(source.expovariate(1 / 40)) % 600)
        deeds.append(Deed(content_id=item.id, kind=kind, occurred_at=at))
    return deeds


def _activity(source: random.Random) -> int:
    return min(_MOST_INTERACTIONS, int(_ACTIVITY_SCALE * source.paretovariate(_ACTIVITY_EXPONENT)))


def _any_shelf(market: _Market, region: str, source: random.Random) -> tuple[str, str]:
    there = [place for place in market.shelves if place[0] == region]
    return there[int(source.random() * len(there))]


def _weighted(options: Sequence[str], cumulated: Sequence[float], source: random.Random) -> str:
    return options[bisect(cumulated, source.random() * cumulated[-1], hi=len(options) - 1)]
