"""How do readers change: what they like, how content they are, whether they come again, and what they say of the service."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Flags, Floats, Ids
from opsctl.experiments.simulator.choices import Occasion
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import Noise, Stream
from opsctl.experiments.simulator.relevance import sigmoid

_LEAST_HAZARD, _GREATEST_HAZARD = 0.01, 0.95
_PROMOTER, _DETRACTOR = 9, 6  # the usual thresholds of the net promoter score: from 9 on, up to 6


@dataclass(slots=True, kw_only=True)
class ReaderState:
    """What changes about u readers, in place.

    Args:
        tastes: shape (u, k).
        satisfaction: shape (u,), what pleased and disappointed so far; `contentment` is what it amounts to.
        memories: shape (u, n), vendors opened last, -1 where there is none.
        opened: shape (u,), how many were ever opened.
    """

    tastes: Floats
    satisfaction: Floats
    memories: Ids
    opened: Ids


def initial_state(market: Market) -> ReaderState:
    """Return readers as they are before anything happened."""
    count = market.world.users
    return ReaderState(
        tastes=market.readers.tastes.copy(),
        satisfaction=np.zeros(count),
        memories=np.full((count, market.world.remembered), -1),
        opened=np.zeros(count, np.int64),
    )


def contentment(market: Market, state: ReaderState) -> Floats:
    """Return how content each reader is, shape (u,), from 0 to 1."""
    return sigmoid(market.world.satisfaction_base + state.satisfaction)


def sessions_today(market: Market, noise: Noise, state: ReaderState, *, day: int) -> Ids:
    """Return how many sessions each reader has today, shape (u,).

    The chance to come is `clip(activity + c contentment)`, so the gap between visits is geometric, as in
    KuaiSim, with coefficients that are known here.
    """
    world, users = market.world, np.arange(market.world.users)
    hazard = market.readers.activity + world.return_satisfaction * contentment(market, state)
    comes = noise.uniforms(Stream.RETURN, day=day, users=users) < np.clip(
        hazard, _LEAST_HAZARD, _GREATEST_HAZARD
    )
    number = noise.uniforms(Stream.SESSIONS, day=day, users=users)
    chance = np.exp(-world.more_sessions)  # of Poisson, by its inverse: one number for each reader
    reached, further = chance, np.zeros(len(users), np.int64)
    for count in range(1, world.most_sessions):
        further += number >= reached
        chance *= world.more_sessions / count
        reached += chance
    return np.where(comes, 1 + further, 0)


def live_on(
    market: Market, state: ReaderState, *, occasion: Occasion, vendors: Ids, clicks: Flags, relevance: Floats
) -> None:
    """Let a session change its readers.

    Satisfaction is RecSim's long-term form, `s <- g s + 2 (r - 0.5) - k clickbait + noise`, of the mean over what was
    clicked; nothing clicked is boredom. Tastes go towards what was clicked, and what was opened satiates.

    Args:
        market: where.
        state: is changed.
        occasion: when, and whose sessions; no reader twice.
        vendors: shape (b, m), what was shown.
        clicks: shape (b, m).
        relevance: shape (b, m), probabilities.
    """
    world, users = market.world, occasion.users
    counts = clicks.sum(axis=1)
    shares = clicks / np.maximum(counts, 1)[:, None]
    value = 2.0 * (relevance - 0.5) - world.clickbait_regret * market.vendors.clickbait[vendors]
    gained = np.where(counts > 0, (shares * value).sum(axis=1), -world.boredom)
    noise = occasion.noise.normals(Stream.SATISFACTION, day=occasion.day, users=users, slot=occasion.slot)
    state.satisfaction[users] = (
        world.satisfaction_memory * state.satisfaction[users] + gained + world.satisfaction_noise * noise
    )
    rows, places = np.nonzero(clicks)
    clicked = vendors[rows, places]
    if world.drift:
        towards = market.vendors.traits[clicked] - state.tastes[users[rows]]
        np.add.at(state.tastes, users[rows], world.drift * shares[rows, places][:, None] * towards)
    _remember(state, users[rows], clicked)


def survey(market: Market, state: ReaderState, *, occasion: Occasion) -> tuple[Ids, Floats]:
    """Return who answers today how likely they are to recommend the service, and 100, 0 or -100 of each.

    The mean of the answers is the net promoter score of those who answer; the content ones answer more often, so it
    is not that of all readers.

    Args:
        market: where.
        state: how content they are.
        occasion: when, and those who came.
    """
    world, users, day = market.world, occasion.users, occasion.day
    content = contentment(market, state)[users]
    is_asked = occasion.noise.uniforms(Stream.SURVEY, day=day, users=users) < world.nps_share
    response = world.nps_response + world.nps_response_satisfaction * content
    answers = is_asked & (occasion.noise.uniforms(Stream.SURVEY_RESPONSE, day=day, users=users) < response)
    error = world.nps_noise * occasion.noise.normals(Stream.SURVEY_SCORE, day=day, users=users)
    scores = np.clip(np.rint(10.0 * content + error), 0, 10)
    values = 100.0 * (scores >= _PROMOTER) - 100.0 * (scores <= _DETRACTOR)
    return users[answers], values[answers]


def _remember(state: ReaderState, users: Ids, vendors: Ids) -> None:
    """Put what was opened in the place of the oldest; of several by one reader those further down count as later."""
    size = state.memories.shape[1]
    if size:
        state.memories[users, (state.opened[users] + _number_within(users)) % size] = vendors
    np.add.at(state.opened, users, 1)


def _number_within(users: Ids) -> Ids:
    """Return how many of the same value stand right before each, where equal ones stand together.

    >>> _number_within(np.array([4, 4, 7, 9, 9, 9])).tolist()
    [0, 1, 0, 0, 1, 2]
    """
    places = np.arange(len(users))
    starts = np.concatenate([[True], users[1:] != users[:-1]]) if len(users) else np.zeros(0, np.bool_)
    begins: Ids = np.maximum.accumulate(np.where(starts, places, 0))
    return places - begins
