"""Training of the network: what is remembered, when steps are made, and what happens when numbers go astray."""

import numpy as np
from tests.experiments.learners.scenes import contexts, feedback, random_feedback, scene

from opsctl.experiments.learners.epinet import EpinetPolicy
from opsctl.experiments.learners.network_training import NetworkOptions

SCENE = scene(seed=11)


def _policy(**options) -> EpinetPolicy:
    return EpinetPolicy.new(
        SCENE.items, generator=np.random.default_rng(1), options=NetworkOptions(**options)
    )


def _learn(policy: EpinetPolicy, rows: int, *, seed: int = 2) -> None:
    source = np.random.default_rng(seed)
    policy.learn(random_feedback(SCENE, source, rows=rows), generator=source)


def test_steps_follow_the_number_of_new_pairs() -> None:
    """4 for every 64 begun."""
    policy = _policy(batch=64, steps=4)

    _learn(policy, 64)
    _learn(policy, 65)

    assert policy.learner._steps == 4 + 8


def test_the_memory_keeps_the_newest_pairs_and_no_more() -> None:
    """A ring of 100; a batch larger than it leaves its own last hundred."""
    policy = _policy(remembered=100)
    everything = [
        random_feedback(SCENE, np.random.default_rng(seed), rows=rows)
        for seed, rows in ((1, 60), (2, 70), (3, 30))
    ]

    for given in everything:
        policy.learn(given, generator=np.random.default_rng(4))

    rows = policy.learner._memory._rows
    wanted = np.concatenate([policy.learner.encoding.encode(given.user_vectors) for given in everything])[
        -100:
    ]
    found = {row.tobytes() for row in rows[:, :16]}
    assert len(rows) == 100
    assert found == {row.tobytes() for row in wanted}

    _learn(policy, 250)
    assert len(policy.learner._memory._rows) == 100


def test_random_networks_are_never_trained() -> None:
    """They say what was possible before anything was seen."""
    policy = _policy()
    before = policy.learner.network.prior_in.copy(), policy.learner.network.prior_out.copy()
    weights = policy.learner.network.weights.copy()

    _learn(policy, 500)

    assert np.array_equal(before[0], policy.learner.network.prior_in)
    assert np.array_equal(before[1], policy.learner.network.prior_out)
    assert not np.array_equal(weights, policy.learner.network.weights)


def test_the_bias_begins_at_the_log_odds_of_the_first_batch() -> None:
    """A rate of 2 % would take thousands of steps from 50 % on."""
    policy = _policy(rate=0.0)
    rewards = np.zeros(200)
    rewards[:4] = 1.0

    policy.learn(
        feedback(SCENE, np.arange(200), np.zeros(200, np.int64), rewards), generator=np.random.default_rng(1)
    )

    assert policy.learner.network.part("base_out_bias")[0] == np.log(0.02 / 0.98)


def test_a_step_whose_gradient_is_not_finite_is_left_out_and_counted() -> None:
    """The weights stay as they are, and the next step is made."""
    policy = _policy()
    _learn(policy, 64)
    good = policy.learner.network.weights.copy()
    policy.learner.network.part("epinet_out")[0, 0] = np.inf

    _learn(policy, 64, seed=5)

    assert policy.learner.skipped_steps == 4
    policy.learner.network.weights[...] = good
    _learn(policy, 64, seed=6)
    assert policy.learner.skipped_steps == 4
    assert not np.array_equal(policy.learner.network.weights, good)


def test_feeds_whose_scores_are_not_finite_are_ranked_by_the_base_network() -> None:
    """And counted; the others keep their own draws."""
    policy = _policy()
    _learn(policy, 600)
    policy.learner.network.part("epinet_out_bias")[0] = np.nan
    asked = contexts(SCENE, np.random.default_rng(3), feeds=10)

    slates = policy.choose(asked, size=3, generator=np.random.default_rng(4))

    users = policy.learner.encoding.encode(asked.user_vectors)
    from opsctl.experiments.learners.network import prepare

    base = prepare(
        policy.learner.network,
        users=users,
        items=policy.learner.items.of(asked.items),
        candidates=asked.candidates,
    ).base
    wanted = np.take_along_axis(asked.candidates, np.argsort(-base, axis=1)[:, :3], axis=1)
    assert np.array_equal(slates.items, wanted)
    assert policy.fallbacks == 10


def test_one_index_decides_the_whole_slate() -> None:
    """The slate of 5 begins with the slate of 1 that the same generator gives: all places believe the same z."""
    policy = _policy()
    _learn(policy, 300)
    asked = contexts(SCENE, np.random.default_rng(3), feeds=40)

    long = policy.choose(asked, size=5, generator=np.random.default_rng(4)).items
    short = policy.choose(asked, size=1, generator=np.random.default_rng(4)).items

    assert np.array_equal(long[:, :1], short)


def test_feeds_of_the_same_reader_explore_differently() -> None:
    """Before much is known, different sessions believe different functions."""
    policy = _policy()
    one = contexts(SCENE, np.random.default_rng(3), feeds=1)
    from dataclasses import replace

    many = replace(
        one,
        users=np.repeat(one.users, 50),
        user_vectors=np.repeat(one.user_vectors, 50, axis=0),
        user_groups=np.repeat(one.user_groups, 50),
        candidates=np.repeat(one.candidates, 50, axis=0),
    )

    shown = policy.choose(many, size=1, generator=np.random.default_rng(4)).items

    assert len(np.unique(shown)) > 3
