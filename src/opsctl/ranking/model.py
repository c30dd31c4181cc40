"""What ranking takes and gives: candidates with their features, the reader, the learned state, the slate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from opsctl.ranking.defaults import DIVERSITY, EXPLORATION_SHARE, PROPENSITY_FLOOR

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


class Feature(IntEnum):
    """The columns of the feature matrix; each is a number from 0 to 1, NaN where it is not known."""

    SIMILARITY = 0
    """Cosine between the reader's vector and the candidate's, scaled from [-1, 1] to [0, 1]."""
    QUALITY = 1
    """Quality of the item as the catalogue has it."""
    MODEL_SCORE = 2
    """What the scoring model says of the item; NaN where the model was not asked or gave nothing."""
    POPULARITY = 3
    """Smoothed share of positive interactions among the readers of the same region and category."""
    FRESHNESS = 4
    """1 for an item of now, 0.5 after one half-life (30 days)."""
    PRICE_FIT = 5
    """1 at the reader's usual price, falling with the distance of the logarithms."""
    EXPOSURE = 6
    """How often the item was shown lately, as a quantile among the candidates; 0 is never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What may be shown: n items.

    Args:
        ids: shape (n,), distinct, the content ids.
        vendors: shape (n,), the vendor of each item.
        vectors: shape (n, d), float32, rows of length 1.
        features: shape (n, len(Feature)), float64, columns as in `Feature`.
    """

    ids: Ids
    vendors: Ids
    vectors: NDArray[np.float32]
    features: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom is ranked.

    Args:
        vector: shape (d,), length 1; None for a cold start.
        history: shape (h, d), vectors of what was interacted with, the newest first; h may be 0.
        seen: content ids that were interacted with; they may be shown again, but nothing explores them.
        context: shape (c,), the numbers on which the agents' weights may depend; the first one is always 1.
        hidden: content ids that the reader hid; they are never shown again.
        vendors: vendors of what was interacted with.
        history_weights: shape (h,), how much each row of `history` says, not below 0; None says that all are equal.
    """

    vector: NDArray[np.float32] | None
    history: NDArray[np.float32]
    seen: frozenset[int]
    context: Floats
    hidden: frozenset[int] = frozenset()
    vendors: frozenset[int] = frozenset()
    history_weights: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmsState:
    """What Thompson sampling knows of each exploration arm: Beta(alpha, beta) by name, in one fixed order."""

    names: tuple[str, ...]
    alpha: tuple[float, ...]
    beta: tuple[float, ...]
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyState:
    """The MAGRPO policy over the agents' weights: logit of agent i ~ N(means[i] . context, exp(log_sigmas[i])^2)."""

    agents: tuple[str, ...]
    means: tuple[tuple[float, ...], ...]
    log_sigmas: tuple[float, ...]
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingState:
    """Everything learned that a ranking depends on; it travels with each logged decision by its versions."""

    arms: ArmsState
    policy: PolicyState


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingOptions:
    """The book's choices, see `RankingSettings` of the service's book for the meaning of each."""

    limit: int
    agents: tuple[str, ...]
    exploration_share: float = EXPLORATION_SHARE
    propensity_floor: float = PROPENSITY_FLOOR
    diversity: float = DIVERSITY
    custom_weights: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slate:
    """What was chosen, best first, and why.

    Args:
        ids: content ids in the order shown.
        scores: the weighted score of each, before diversity moved it.
        agent_scores: by agent, its score of each item shown.
        explored: positions (from 0) filled by the exploration arm.
        arm: the arm that was played; None where nothing was explored.
        propensity: probability with which that arm is played in this state, floor included.
        weights: by agent, the weight in this decision; they sum to 1.
        logits: by agent, the sampled logit that gave the weight (needed to learn from the decision).
    """

    ids: tuple[int, ...]
    scores: tuple[float, ...]
    agent_scores: Mapping[str, tuple[float, ...]]
    explored: tuple[int, ...]
    arm: str | None
    propensity: float | None
    weights: Mapping[str, float]
    logits: Mapping[str, float]
    seed: int
    arms_version: int
    policy_version: int


def feature_names() -> Sequence[str]:
    """Return the names of the columns in their order."""
    return [feature.name.lower() for feature in Feature]
