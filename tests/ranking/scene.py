"""Candidates, readers and states that the tests of ranking share; everything follows from a seed."""

import numpy as np
from numpy.typing import NDArray

from opsctl.ranking.model import Candidates, Feature, Ids, RankingOptions, RankingState, Reader
from opsctl.ranking.policy import initial_policy
from opsctl.ranking.reader import context_vector
from opsctl.ranking.thompson import initial_arms

AGENTS = ("discovery", "quality", "archivist", "serendipity")
ALL_AGENTS = (*AGENTS, "engagement_forecaster", "custom")
ARMS = ("fresh", "underexposed", "adjacent", "new_vendor")
CUSTOM = {"quality": 0.7, "exposure": -0.3}
DIMENSIONS = 8


def random_source(seed: int) -> np.random.Generator:
    """Return a source of random numbers."""
    return np.random.Generator(np.random.PCG64(seed))


def unit_rows(count: int, *, seed: int, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    """Return rows of length 1."""
    rows = random_source(seed).normal(size=(count, dimensions))
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def make_candidates(count: int, *, seed: int = 1, unknown_share: float = 0.2) -> Candidates:
    """Return candidates of which some features are not known; several share a vendor, some are equal in all."""
    source = random_source(seed)
    features = source.random((count, len(Feature))).round(1)
    features[source.random(features.shape) < unknown_share] = np.nan
    return Candidates(
        ids=source.permutation(10 * count + 1)[:count].astype(np.int64),
        vendors=source.integers(0, 5, count),
        vectors=unit_rows(count, seed=seed),
        features=features,
    )


def make_reader(history_count: int = 6, *, seed: int = 2, **changes: frozenset[int]) -> Reader:
    """Return a reader; without a history it is a cold start."""
    history = unit_rows(history_count, seed=seed)
    return Reader(
        vector=history[0] if history_count else None,
        history=history,
        seen=changes.get("seen", frozenset()),
        hidden=changes.get("hidden", frozenset()),
        vendors=changes.get("vendors", frozenset({0, 1})),
        context=context_vector(history),
    )


def make_state(agents: tuple[str, ...] = AGENTS) -> RankingState:
    """Return a state in which nothing is learned."""
    return RankingState(arms=initial_arms(ARMS), policy=initial_policy(agents, context_size=3))


def make_options(limit: int = 10, **changes: float) -> RankingOptions:
    """Return the book's choices."""
    return RankingOptions(
        limit=limit,
        agents=AGENTS,
        exploration_share=changes.get("exploration_share", 0.2),
        propensity_floor=changes.get("propensity_floor", 0.02),
        diversity=changes.get("diversity", 0.3),
    )


def permuted(candidates: Candidates, order: Ids) -> Candidates:
    """Return the candidates in another order."""
    return Candidates(
        ids=candidates.ids[order],
        vendors=candidates.vendors[order],
        vectors=candidates.vectors[order],
        features=candidates.features[order],
    )
