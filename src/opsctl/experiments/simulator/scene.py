"""What is the case when a feed is asked for, and what happens once slates are shown: one session of each of b readers."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.simulator.calendar import SECOND, microseconds_of
from opsctl.experiments.simulator.choices import Occasion, choose, click_probabilities
from opsctl.experiments.simulator.dynamics import ReaderState
from opsctl.experiments.simulator.gains import best_gains, discounted
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import Stream
from opsctl.experiments.simulator.oracle import best_rewards, slate_utilities
from opsctl.experiments.simulator.records import Sessions
from opsctl.experiments.simulator.relevance import (
    bring_candidates,
    nearest_likeness,
    relevance_logits,
    sigmoid,
)

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Feeds that are asked for together, and what is true of their candidates.

    Args:
        occasion: who and when; no reader twice.
        candidates: shape (b, c), ascending.
        relevance: shape (b, c), log-odds.
        nearest: shape (b, c), likeness to what the reader remembers.
    """

    occasion: Occasion
    candidates: Ids
    relevance: Floats
    nearest: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What was put before whom: places among the candidates and propensities, shape (b, m); arms and agents, shape (b,)."""

    places: Ids
    propensities: Floats
    arms: Ids
    agents: Ids


def look_around(market: Market, state: ReaderState, *, occasion: Occasion, presence: Floats) -> Scene:
    """Return what is brought for these readers, and what they would think of it."""
    users = occasion.users
    candidates = bring_candidates(
        market, occasion.noise, day=occasion.day, slot=occasion.slot, users=users, presence=presence
    )
    return Scene(
        occasion=occasion,
        candidates=candidates,
        relevance=relevance_logits(market, users=users, tastes=state.tastes[users], candidates=candidates),
        nearest=nearest_likeness(market, memories=state.memories[users], candidates=candidates),
    )


def play(market: Market, scene: Scene, ranking: Ranking, *, with_oracle: bool) -> Sessions:
    """Return what readers do with what is put before them, and the truth about it; nothing is changed by it."""
    world, occasion, places = market.world, scene.occasion, ranking.places
    appeal = scene.relevance + world.clickbait_weight * market.vendors.clickbait[scene.candidates]
    slates = np.take_along_axis(scene.candidates, places, axis=1)
    utilities = slate_utilities(
        market,
        appeal=np.take_along_axis(appeal, places, axis=1),
        nearest=np.take_along_axis(scene.nearest, places, axis=1),
        vendors=slates,
    )
    probabilities = click_probabilities(world, utilities)
    relevance = sigmoid(scene.relevance)
    shown = np.take_along_axis(relevance, places, axis=1)
    return Sessions(
        users=occasion.users,
        arms=ranking.arms,
        slots=np.full(len(slates), occasion.slot),
        at=_moments(market, occasion),
        candidates=scene.candidates,
        slates=slates,
        propensities=ranking.propensities,
        clicks=choose(world, utilities, vendors=slates, occasion=occasion),
        probabilities=probabilities,
        relevance=shown,
        rewards=probabilities.sum(axis=1),
        best_rewards=best_rewards(market, appeal=appeal, nearest=scene.nearest, candidates=scene.candidates)
        if with_oracle
        else np.full(len(slates), np.nan),
        gains=discounted(shown),
        best_gains=best_gains(relevance, size=shown.shape[1]),
        quality=market.vendors.quality[slates].mean(axis=1),
        diversity=_diversity(market, slates),
        costs=world.feed_dollars + ranking.agents.astype(np.float64) * world.agent_call_dollars,
        latencies=_latencies(market, occasion, agents=ranking.agents),
    )


def _moments(market: Market, occasion: Occasion) -> Ids:
    """Return when each session begins; the sessions of a reader's day follow each other."""
    first = occasion.noise.uniforms(Stream.TIME, day=occasion.day, users=occasion.users)
    share = 0.49 * (first + occasion.slot / market.world.most_sessions)
    begun: Ids = microseconds_of(occasion.day) + (share * _DAY_SECONDS * SECOND).astype(np.int64)
    return begun


def _diversity(market: Market, slates: Ids) -> Floats:
    """Return 1 - mean cosine of all pairs of a slate, shape (b,); 0 for a slate of one."""
    size = slates.shape[1]
    if size < 2:
        return np.zeros(len(slates))
    sums = market.vendors.directions[slates].sum(axis=1)
    pairs = ((sums**2).sum(axis=1) - size) / (size * (size - 1))
    diversity: Floats = 1.0 - pairs
    return diversity


def _latencies(market: Market, occasion: Occasion, *, agents: Ids) -> Floats:
    world = market.world
    noise = occasion.noise.normals(Stream.LATENCY, day=occasion.day, users=occasion.users, slot=occasion.slot)
    middle = world.latency_milliseconds + agents * world.agent_milliseconds
    return np.asarray(middle * np.exp(world.latency_spread * noise), np.float64)
