"""Do the learners learn: regret that flattens, where chance alone regrets the same every day; and do they know what they do not know.

Synthetic bandits of known truth, seeded. Margins were set by what a dozen other seeds gave.
"""

from functools import cache

import numpy as np
import pytest
from tests.experiments.learners.scenes import Scene, feedback, random_feedback, regret_curve, scene

from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.learners.network import NetworkSizes, prepare, score
from opsctl.experiments.learners.network_training import NetworkLearner
from opsctl.experiments.learners.policies import make_policy

ROUNDS, FEEDS = 60, 120


@cache
def _curve(name: str) -> Floats:
    """Return the regret of each round, the mean over three scenes."""
    curves = []
    for seed in (21, 22, 23):
        of = scene(seed=seed)
        policy = make_policy(name, items=of.items, generator=np.random.default_rng(seed))
        curves.append(regret_curve(of, policy, rounds=ROUNDS, feeds=FEEDS, seed=seed))
    mean: Floats = np.mean(curves, axis=0)
    return mean


def _growth(curve: Floats) -> float:
    """Return by how much regret grows in the last third of the rounds, as a share of the first third's."""
    third = len(curve) // 3
    return float(curve[-third:].sum() / curve[:third].sum())


def test_chance_alone_regrets_the_same_every_round() -> None:
    """Linear regret."""
    assert _growth(_curve("random")) == pytest.approx(1.0, abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "growth"),
    [("greedy", 0.75), ("epsilon_greedy", 0.75), ("linear_ts", 0.8), ("epinet_ts", 0.75), ("beta_ts", 0.97)],
)
def test_regret_of_a_learner_flattens(name: str, growth: float) -> None:
    """Sublinear: the last third adds far less than the first; by groups alone, little can be learned here."""
    assert _growth(_curve(name)) < growth


@pytest.mark.slow
@pytest.mark.parametrize("name", ["greedy", "epsilon_greedy", "linear_ts", "epinet_ts"])
def test_a_learner_that_sees_readers_and_items_regrets_far_less_than_chance(name: str) -> None:
    """In all."""
    assert _curve(name).sum() < 0.8 * _curve("random").sum()


def test_by_groups_alone_one_does_better_than_chance() -> None:
    """And worse than those who see more: it is no fair judge of exploration."""
    assert _curve("epinet_ts").sum() < _curve("beta_ts").sum() < 0.99 * _curve("random").sum()


def _learner(of: Scene, *, is_epistemic: bool, rows: int, seed: int) -> NetworkLearner:
    sizes = NetworkSizes() if is_epistemic else NetworkSizes(index=0)
    learner = NetworkLearner.new(of.items, sizes=sizes, options=None, generator=np.random.default_rng(seed))
    for number in range(rows // 200):
        source = np.random.default_rng([seed, number])
        learner.learn(random_feedback(of, source, rows=200), generator=source)
    return learner


def _log_odds(learner: NetworkLearner, of: Scene, users: Ids, items: Ids, indices: Floats) -> Floats:
    """Return f(x, z) of pairs, shape (draws, pairs)."""
    prepared = prepare(
        learner.network,
        users=learner.encoding.encode(of.readers[users]),
        items=learner.items.of(of.items),
        candidates=items[:, None],
    )
    if not learner.network.sizes.index:
        return prepared.base.T
    return score(learner.network, prepared, np.broadcast_to(indices, (len(users), *indices.shape)))[..., 0].T


def _joint_log_loss(of: Scene, learner: NetworkLearner, *, seed: int) -> float:
    """Return the mean negative log probability of ten outcomes of a pair of inputs at once (dyadic sampling).

    Osband et al. (2022): outcomes of the same input belong together, and only who knows how unsure it is can say so.
    """
    source = np.random.default_rng(seed)
    users, items = (
        source.integers(0, len(of.readers), (800, 2)),
        source.integers(0, len(of.items.vectors), (800, 2)),
    )
    rates = np.stack([of.rates(users[:, k], items[:, k : k + 1])[:, 0] for k in range(2)], axis=1)
    picked = source.integers(0, 2, (800, 10))
    outcomes = source.random((800, 10)) < np.take_along_axis(rates, picked, axis=1)
    indices = source.standard_normal((200, learner.network.sizes.index))
    odds = _log_odds(learner, of, users.ravel(), items.ravel(), indices).reshape(-1, 800, 2)
    shown = np.take_along_axis(odds, np.broadcast_to(picked, (len(odds), 800, 10)), axis=2)
    logs = (outcomes * shown - np.logaddexp(0, shown)).sum(axis=2)
    return float(-np.mean(np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))))


@pytest.mark.drill
def test_the_epinet_knows_better_than_a_single_network_what_it_does_not_know() -> None:
    """Joint log-loss of ten outcomes on pairs, three scenes: lower in each, and by 0.02 on average at least."""
    gains = []
    for seed in range(31, 34):
        of = scene(seed=seed)
        losses = [
            _joint_log_loss(
                of, _learner(of, is_epistemic=is_epistemic, rows=1000, seed=seed), seed=seed + 100
            )
            for is_epistemic in (False, True)
        ]
        gains.append(losses[0] - losses[1])

    assert min(gains) > 0
    assert np.mean(gains) > 0.02


def _shrinking(seed: int) -> tuple[float, float]:
    """Return what is left of the spread over indices after 4,000 pairs with items 0 to 4: for those, and for all others."""
    of = scene(seed=seed)
    source, learner = np.random.default_rng(seed), _learner(of, is_epistemic=True, rows=0, seed=seed)
    indices = source.standard_normal((100, 8))
    users, items = np.arange(200), np.arange(200) % 40
    before = _log_odds(learner, of, users, items, indices).std(axis=0)
    for _ in range(10):
        rewards = (source.random(400) < 0.1).astype(np.float64)
        pairs = feedback(of, source.integers(0, 200, 400), source.integers(0, 5, 400), rewards)
        learner.learn(pairs, generator=source)
    left = _log_odds(learner, of, users, items, indices).std(axis=0) / before
    return float(left[items < 5].mean()), float(left[items >= 5].mean())


def test_what_was_seen_often_is_less_uncertain_than_what_was_never_seen() -> None:
    """It shrinks slowly: to about 0.7 of what it was. That is the limit of an epinet of this size."""
    seen, unseen = np.mean([_shrinking(seed) for seed in (41, 42, 43)], axis=0)

    assert seen < 0.9
    assert seen < unseen - 0.03
