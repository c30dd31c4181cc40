"""Who offers something: what vendors are like in truth, and what they let others see of it."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.simulator.noise import on_exact_grid, population_generator
from opsctl.experiments.simulator.world_book import World

_TRAITS_TOLD = 4
_PRICE_SPREAD = 0.5  # of the logarithm: from about half to twice the middle price
_MIDDLE_PRICE_USD = 1500.0
_ALWAYS = -36500
"""Day of arrival of those who were there from the start: a hundred years before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """The truth about v vendors; no policy may look at it.

    Args:
        traits: shape (v, k), the latent style.
        styles: shape (v,), the cluster that it was drawn from.
        centres: shape (s, k), the clusters' centres, of length 1.
        directions: shape (v, k), the latent style at length 1.
        likeness: shape (v, v), cosine between latent styles, nothing below 0.
        quality: shape (v,), standard normal.
        log_price: shape (v,), about the middle price.
        cities: shape (v,).
        city_distances: shape (n, n), ways between cities on the unit square.
        clickbait: shape (v,), from 0 to 1.
        popularity: shape (v,), Zipf weights, the most popular one 1.
        arrives: shape (v,), the day.
        capacity: shape (v,), inquiries a week.
    """

    traits: Floats
    styles: Ids
    centres: Floats
    directions: Floats
    likeness: Floats
    quality: Floats
    log_price: Floats
    cities: Ids
    city_distances: Floats
    clickbait: Floats
    popularity: Floats
    arrives: Ids
    capacity: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Observables:
    """What anybody can see of v vendors.

    Args:
        style_tags: shape (v,), the style they say they have; mostly the true one.
        trait_tags: shape (v, 4), words they use of themselves: 2 x dimension, plus 1 for little of it.
        price_usd: shape (v,).
        cities: shape (v,).
        review_count: shape (v,).
        review_mean: shape (v,), from 1 to 5 stars; NaN without reviews.
        popularity: shape (v,), from 0 to 1, how often each was looked at before.
        arrives: shape (v,), the day; far below 0 for those who were always there.
    """

    style_tags: Ids
    trait_tags: Ids
    price_usd: Floats
    cities: Ids
    review_count: Ids
    review_mean: Floats
    popularity: Floats
    arrives: Ids


def make_vendors(world: World, *, seed: int) -> Vendors:
    """Return the vendors of a world; the same seed gives the same ones."""
    draw = population_generator(seed, "vendors")
    count = world.vendors
    centres = draw.standard_normal((world.styles, world.dimensions))
    centres = on_exact_grid(centres / np.linalg.norm(centres, axis=1, keepdims=True))
    styles = draw.integers(0, world.styles, count)
    traits = on_exact_grid(
        centres[styles] + world.style_spread * draw.standard_normal((count, world.dimensions))
    )
    places = draw.random((world.cities, 2))
    unit = on_exact_grid(traits / np.maximum(np.linalg.norm(traits, axis=1, keepdims=True), 1e-12))
    popularity: Floats = np.power(draw.permutation(count) + 1.0, -world.popularity)
    return Vendors(
        traits=traits,
        styles=styles,
        centres=centres,
        directions=unit,
        likeness=np.maximum(unit @ unit.T, 0.0),
        quality=draw.standard_normal(count),
        log_price=_PRICE_SPREAD * draw.standard_normal(count),
        cities=draw.integers(0, world.cities, count),
        city_distances=np.linalg.norm(places[:, None] - places[None], axis=2),
        clickbait=draw.beta(2.0, 5.0, count),
        popularity=popularity,
        arrives=_arrivals(world, draw),
        capacity=np.maximum(1, draw.poisson(world.capacity_per_user * world.users / count, count)),
    )


def observe(vendors: Vendors, world: World, *, seed: int) -> Observables:
    """Return what can be seen of the vendors, which is noisy: reviews, tags and words mislead now and then."""
    draw = population_generator(seed, "observables")
    told = on_exact_grid(vendors.traits + world.tag_noise * draw.standard_normal(vendors.traits.shape))
    counts = draw.poisson(world.reviews * vendors.popularity / vendors.popularity.mean())
    counts[vendors.arrives >= 0] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_noise = world.review_noise / np.sqrt(counts) * draw.standard_normal(len(counts))
    stars = np.clip(3.5 + 0.7 * (vendors.quality + mean_noise), 1.0, 5.0)
    looked_at = draw.poisson(100.0 * vendors.popularity) / 100.0
    return Observables(
        style_tags=(told @ vendors.centres.T).argmax(axis=1),
        trait_tags=_strongest(told),
        price_usd=_MIDDLE_PRICE_USD * np.exp(vendors.log_price),
        cities=vendors.cities,
        review_count=counts,
        review_mean=np.where(counts > 0, stars, np.nan),
        popularity=np.where(vendors.arrives >= 0, 0.0, np.minimum(looked_at, 1.0)),
        arrives=vendors.arrives,
    )


def _arrivals(world: World, draw: np.random.Generator) -> Ids:
    late = int(world.arrivals * world.vendors)
    days = np.full(world.vendors, _ALWAYS)
    days[draw.permutation(world.vendors)[:late]] = draw.integers(1, world.arrival_days + 1, late)
    return days


def _strongest(told: Floats) -> Ids:
    """Return for each vendor the words for its strongest traits."""
    count = min(_TRAITS_TOLD, told.shape[1])
    strongest = np.argsort(-np.abs(told), axis=1, kind="stable")[:, :count]
    is_little = np.take_along_axis(told, strongest, axis=1) < 0
    return 2 * strongest + is_little
