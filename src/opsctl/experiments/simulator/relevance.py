"""How well does a vendor suit a reader, in truth: relevance, and what a reader has had enough of."""

import numpy as np

from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import Noise, Stream, on_exact_grid

_AT_ONCE = 1 << 18
"""Numbers of traits that are gathered at once, so that they stay in the processor's cache."""


def relevance_logits(market: Market, *, users: Ids, tastes: Floats, candidates: Ids) -> Floats:
    """Return the log-odds of relevance, shape (b, c).

    Args:
        market: where.
        users: shape (b,), readers.
        tastes: shape (b, k), their tastes now.
        candidates: shape (b, c), vendors.
    """
    world, vendors, readers = market.world, market.vendors, market.readers
    liking = _liking(on_exact_grid(tastes), vendors.traits, candidates)
    gap = np.abs(vendors.log_price[candidates] - readers.log_budget[users, None])
    way = vendors.city_distances[vendors.cities[candidates], readers.cities[users, None]]
    hidden = readers.hidden[users[:, None], vendors.styles[candidates]]
    return (
        world.base
        + world.taste_weight * liking
        + world.quality_weight * vendors.quality[candidates]
        - world.price_weight * gap
        - world.distance_weight * way
        + world.hidden_weight * hidden
    )


def sigmoid(log_odds: Floats) -> Floats:
    """Return the probability of log-odds; of extreme ones 0 or 1, without a warning."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -500.0, 500.0)))


def _liking(tastes: Floats, traits: Floats, candidates: Ids) -> Floats:
    """Return theta . a of each candidate, shape (b, c); not by a product of matrices, whose threads lame each other."""
    liking = np.empty(candidates.shape)
    size = max(1, _AT_ONCE // (candidates.shape[1] * traits.shape[1]))
    for start in range(0, len(tastes), size):
        part = slice(start, start + size)
        np.einsum("bck,bk->bc", traits[candidates[part]], tastes[part], out=liking[part])
    return liking


def nearest_likeness(market: Market, *, memories: Ids, candidates: Ids) -> Floats:
    """Return the greatest cosine of each candidate to what is remembered, shape (b, c); 0 where nothing is.

    Args:
        market: where.
        memories: shape (b, n), vendors; -1 where there is none.
        candidates: shape (b, c), vendors.
    """
    nearest = np.zeros(candidates.shape)
    for column in memories.T:
        # there is no vendor -1: its row is that of the last one, and then not counted
        likeness = likeness_to(market, column, candidates)
        likeness[column < 0] = 0.0
        np.maximum(nearest, likeness, out=nearest)
    return nearest


def likeness_to(market: Market, vendors: Ids, candidates: Ids) -> Floats:
    """Return the cosine of each candidate, shape (b, c), to one vendor a row, shape (b,)."""
    likeness = market.vendors.likeness
    flat = vendors[:, None] % len(likeness) * len(likeness) + candidates
    found: Floats = likeness.ravel()[flat]
    return found


def bring_candidates(
    market: Market, noise: Noise, *, day: int, slot: int, users: Ids, presence: Floats
) -> Ids:
    """Return which vendors are brought for each feed, shape (b, c), by number; whoever ranks has no say in it.

    They are drawn without replacement in proportion to popularity and nearness: the c least of v exponential times
    (Efraimidis and Spirakis, 2006). That one vendor is gone moves no other but the one that takes its place.

    Args:
        market: where.
        noise: chance.
        day: from below 0 on.
        slot: which session of the day.
        users: shape (b,).
        presence: shape (v,), 1 for vendors that may be brought now, about 0 for those only if nothing else is left, 0 for
            those that are not there.
    """
    world, vendors = market.world, market.vendors
    nearness = np.exp(-world.locality * vendors.city_distances)[:, vendors.cities]
    rates = (nearness * vendors.popularity * presence)[market.readers.cities[users]]
    numbers = noise.uniforms_at(
        Stream.CANDIDATES, day=day, users=users, columns=np.arange(world.vendors), slot=slot
    )
    with np.errstate(divide="ignore"):
        times = (-np.log(numbers) / rates).astype(np.float32)
    chosen = np.argpartition(times, world.candidates - 1, axis=1)[:, : world.candidates]
    chosen.sort(axis=1)
    return chosen
