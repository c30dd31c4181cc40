"""How is a believable marketplace made from a seed: vendors one after the other, each with its items."""

import random
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import TypeVar

from opsctl.catalog import words
from opsctl.store.items import NewItem

Choice = TypeVar("Choice")

_OPENED = datetime(2023, 1, 1, tzinfo=UTC)
_OPEN_DAYS = 1000
_LARGEST_VENDOR = 60
# Beta(5, 2.2): most vendors are good (mean 0.69), about 30 % are above 0.8, few are bad.
_VENDOR_QUALITY = (5.0, 2.2)
# Share of offers that are written in the language of a country that does not speak English.
_LOCAL_LANGUAGE_SHARE = 0.7
_WITHOUT_DESCRIPTION_SHARE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vendor:
    external_id: str
    name: str
    region: words.Region
    city: str
    category: words.Category
    quality: float
    years: int
    joined_at: datetime


def generate_items(count: int, *, seed: int) -> Iterator[NewItem]:
    """Yield `count` items; the first N of a larger catalogue of the same seed are the same items."""
    return islice(_all_items(random.Random(seed)), count)  # noqa: S311 - a seed, not a secret


def source_of(seed: int) -> str:
    """Return the source under which the items of a seed stand in the database."""
    return f"generated_{seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a seed would give: how many items, of how many vendors, where, and the first of them."""

    source: str
    items: int
    vendors: int
    regions: dict[str, int]
    first: tuple[NewItem, ...]


def preview_items(count: int, *, seed: int) -> Preview:
    """Generate the items and only count them."""
    regions: Counter[str] = Counter()
    vendors: set[str | None] = set()
    for item in generate_items(count, seed=seed):
        regions[item.region] += 1
        vendors.add(item.vendor_external_id)
    return Preview(
        source=source_of(seed),
        items=count,
        vendors=len(vendors),
        regions=dict(regions.most_common()),
        first=tuple(generate_items(min(3, count), seed=seed)),
    )


def _all_items(source: random.Random) -> Iterator[NewItem]:
    number = 0
    vendor_number = 0
    while True:
        vendor_number += 1
        vendor = _make_vendor(vendor_number, source)
        # Pareto: most vendors have one to three offers, a few have dozens.
        for _ in range(min(_LARGEST_VENDOR, int(source.paretovariate(1.3)))):
            number += 1
            yield _make_item(number, vendor, source)


def _make_vendor(number: int, source: random.Random) -> _Vendor:
    region = _pick(source, words.REGIONS, _REGION_WEIGHTS)
    city = _pick(source, region.cities, _zipf(len(region.cities)))
    category = _pick(source, words.CATEGORIES, _CATEGORY_WEIGHTS)
    if source.random() < 0.4:
        name = f"{_any(source, words.FIRST_NAMES)} {_any(source, words.STUDIO_SECOND[:1] + words.STUDIO_SECOND[2:])}"
    else:
        name = f"{_any(source, words.STUDIO_FIRST)} {_any(source, words.STUDIO_SECOND)}"
    return _Vendor(
        external_id=f"v{number:07d}",
        name=name,
        region=region,
        city=city,
        category=category,
        quality=source.betavariate(*_VENDOR_QUALITY),
        years=2 + int(source.expovariate(1 / 6)),
        joined_at=_OPENED + timedelta(days=_OPEN_DAYS * source.random()),
    )


def _make_item(number: int, vendor: _Vendor, source: random.Random) -> NewItem:
    title, description = _write(vendor, source)
    quality = min(1.0, max(0.0, source.gauss(vendor.quality, 0.06)))
    category = vendor.category
    price = category.median_price_usd * vendor.region.price_level
    # Better vendors ask for more: the factor runs from 0.7 to 1.3.
    price *= source.lognormvariate(0, category.price_spread) * (0.7 + 0.6 * vendor.quality)
    tags = source.sample(category.tags, k=source.randint(0, min(4, len(category.tags))))
    return NewItem(
        external_id=f"g{number:08d}",
        title=title,
        description=description,
        region=vendor.region.code,
        district=vendor.city,
        category=category.name,
        quality=round(quality, 4),
        price_usd=_rounded_price(price),
        tags=tuple(sorted(tags)),
        vendor_external_id=vendor.external_id,
        vendor_name=vendor.name,
        created_at=vendor.joined_at + timedelta(seconds=int(source.expovariate(1 / 5_000_000))),
    )


def _write(vendor: _Vendor, source: random.Random) -> tuple[str, str]:
    """Return a title and a description, in the local language or in English."""
    category, language = vendor.category, vendor.region.language
    service = _any(source, category.services)
    slots = {
        "vendor": vendor.name,
        "city": vendor.city,
        "service": service,
        "style": _any(source, category.styles),
        "occasion": _any(source, words.OCCASIONS),
        "emoji": _any(source, words.EMOJI),
        "hours": str(source.randint(1, 12)),
        "years": str(vendor.years),
        "month": _any(source, words.MONTHS),
        "SERVICE": service.upper(),
        "CITY": vendor.city.upper(),
        "service_sentence": service[0].upper() + service[1:],
    }
    is_local = language != "en" and source.random() < _LOCAL_LANGUAGE_SHARE
    if is_local:
        slots["service"] = category.abroad[language]
        title = _any(source, words.TITLES_ABROAD[language])
        description = _any(source, words.DESCRIPTIONS_ABROAD[language])
    else:
        title = _any(source, words.TITLES)
        detail, other = source.sample(category.details, k=2)
        middle = detail if source.random() < 0.5 else f"{detail} {other}"
        description = f"{_any(source, words.OPENERS)} {middle} {_any(source, words.CLOSERS)}"
    if source.random() < _WITHOUT_DESCRIPTION_SHARE:
        description = ""
    return _sentence(title.format_map(slots)), _sentence(description.format_map(slots))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rounded_price(price_usd: float) -> float:
    """Round as people do: to 5 below 500, to 50 above."""
    step = 5 if price_usd < 500 else 50
    return float(max(step, round(price_usd / step) * step))


def _any(source: random.Random, options: Sequence[Choice]) -> Choice:
    return options[int(source.random() * len(options))]


def _pick(source: random.Random, options: Sequence[Choice], cumulated: Sequence[float]) -> Choice:
    return options[bisect(cumulated, source.random() * cumulated[-1], hi=len(options) - 1)]


def _zipf(size: int) -> list[float]:
    return list(accumulate(1 / rank**0.9 for rank in range(1, size + 1)))


_REGION_WEIGHTS = _zipf(len(words.REGIONS))
_CATEGORY_WEIGHTS = list(accumulate(category.share for category in words.CATEGORIES))
