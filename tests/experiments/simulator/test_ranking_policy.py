"""The service's real ranking in the simulator: nothing imitated, everything that can be seen, and its own arm's log only."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.experiments.simulator.worlds import ByChance, column, everybody, halves, small_market, treat

from opsctl.experiments.learners.model import Feedback, Ids
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.observed_items import usual_items
from opsctl.experiments.simulator.observed_readers import Log
from opsctl.experiments.simulator.ranking_policy import FOUR_AGENTS, RankingPolicy
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment, WarmUp
from opsctl.ranking.model import Feature
from opsctl.ranking.policy import initial_policy


def _ranked(market: Market, policy: RankingPolicy, *, days: int) -> list[SimulatedDay]:
    treatment = Treatment(policy=policy, items=usual_items(market.observables))
    return list(run_days(market, {"ranking": treatment}, everybody(market), plan=Plan(days=days)))


def _feedback(market: Market, *, user: int, items: Sequence[int], clicks: Sequence[int]) -> Feedback:
    size = len(items)
    return Feedback(
        users=np.full(size, user),
        user_vectors=np.zeros((size, 16)),
        user_groups=np.zeros(size, int),
        items=np.array(items),
        positions=np.arange(size),
        rewards=np.isin(np.arange(size), clicks).astype(float),
        propensities=np.full(size, np.nan),
        all_items=usual_items(market.observables),
    )


@pytest.mark.slow
@pytest.mark.parametrize("agents", [FOUR_AGENTS, (*FOUR_AGENTS, "engagement_forecaster", "custom")])
def test_arms_and_agents_learn_by_the_services_own_updates(agents: tuple[str, ...]) -> None:
    """Every explored slate is a play of an arm; agents move."""
    market = small_market(users=120)
    policy = RankingPolicy(market.observables, agents=agents)

    days = _ranked(market, policy, days=8)

    state, sessions = policy.state, len(column(days, "users"))
    assert state.policy.agents == agents
    assert state.policy.version > 0
    assert state.policy.means != initial_policy(agents, context_size=3).means
    # a slate of 4 with a share of 0.1 explores one place in two slates of five
    plays = sum(state.arms.alpha) + sum(state.arms.beta) - 2 * len(state.arms.names)
    assert plays == pytest.approx(0.4 * sessions, rel=0.2)
    assert policy.state_bytes == 8 * (2 * 4 + 4 * len(agents))


def test_the_same_seed_gives_the_same_slates_and_states() -> None:
    """Everything it draws comes from the generator."""
    market = small_market(users=60)
    policies = [RankingPolicy(market.observables) for _ in range(2)]

    runs = [_ranked(market, policy, days=4) for policy in policies]

    assert (column(runs[0], "slates") == column(runs[1], "slates")).all()
    assert policies[0].state == policies[1].state


@pytest.mark.slow
def test_it_ranks_better_than_chance() -> None:
    """Without the spreading that costs it relevance."""
    market = small_market(users=150)

    ranked = _ranked(market, RankingPolicy(market.observables, diversity=0.0), days=8)

    chance = list(run_days(market, {"a": treat(market)}, everybody(market), plan=Plan(days=8)))
    assert column(ranked, "rewards").mean() > 1.2 * column(chance, "rewards").mean()


def test_what_others_showed_tells_of_readers_and_vendors_and_moves_neither_arms_nor_agents() -> None:
    """Such as a warm-up."""
    market = small_market()
    policy = RankingPolicy(market.observables)
    before = policy.state

    policy.learn(_feedback(market, user=3, items=[5, 6, 7], clicks=[1]), generator=np.random.default_rng(1))

    assert policy.state.policy == before.policy
    assert policy.state.arms.alpha == before.arms.alpha
    warm_up = WarmUp(days=4, treatment=treat(market, ByChance()))
    learned = RankingPolicy(market.observables)
    run = run_days(
        market,
        {"a": Treatment(policy=learned, items=usual_items(market.observables)), "b": treat(market)},
        halves(market),
        plan=Plan(days=1, warm_up=warm_up),
    )
    for _ in range(4):
        next(run)
    assert learned.state.policy.version == 0


def test_a_log_knows_readers_by_their_clicks_the_newest_first() -> None:
    """By the service's own rules of weights and ages."""
    market = small_market()
    log, vectors = Log(market.observables), np.eye(60, dtype=np.float32)
    log.view(vectors, day=0)
    log.note_feedback(_feedback(market, user=3, items=[5, 6, 7], clicks=[1]))
    log.view(vectors, day=30)
    log.note_feedback(_feedback(market, user=3, items=[8, 9], clicks=[0]))

    reader = log.view(vectors, day=30).reader(3)

    assert reader.seen == frozenset({6, 8})
    assert (reader.history == vectors[[8, 6]]).all()
    assert reader.history_weights is not None
    assert reader.history_weights[1] / reader.history_weights[0] == pytest.approx(0.5)  # one half-life older
    assert reader.vector is not None
    assert reader.vector[8] == pytest.approx(2 * reader.vector[6])
    stranger = log.view(vectors, day=30).reader(4)
    assert stranger.vector is None
    assert len(stranger.history) == 0


def _column(log: Log, feature: Feature, *, user: int, items: Ids, day: int = 0) -> Any:
    view = log.view(np.eye(60, dtype=np.float32), day=day)
    return view.candidates(user, view.reader(user), items).features[:, feature]


def test_features_are_what_can_be_seen() -> None:
    """Against the formulas of the service; all within [0, 1]."""
    market = small_market(arrivals=0.3, arrival_days=20)
    seen, log, items = market.observables, Log(market.observables), np.arange(60)
    late = seen.arrives > 0

    assert np.isnan(_column(log, Feature.SIMILARITY, user=3, items=items)).all()
    assert np.isnan(_column(log, Feature.PRICE_FIT, user=3, items=items)).all()
    log.note_feedback(_feedback(market, user=3, items=[5, 6, 7], clicks=[1]))
    log.note_shown(np.array([[5, 6], [5, 7]]))
    quality = _column(log, Feature.QUALITY, user=3, items=items)
    assert (np.isnan(quality) == (seen.review_count == 0)).all()
    assert quality[~late] == pytest.approx((seen.review_mean[~late] - 1) / 4, nan_ok=True)
    fit = _column(log, Feature.PRICE_FIT, user=3, items=items)
    assert fit == pytest.approx(2.0 ** -np.abs(np.log2(seen.price_usd / seen.price_usd[6])))
    fresh = _column(log, Feature.FRESHNESS, user=3, items=items, day=40)
    assert fresh[~late] == pytest.approx(0.0)
    assert fresh[late] == pytest.approx(0.5 ** ((40 - seen.arrives[late]) / 30))
    exposure = _column(log, Feature.EXPOSURE, user=3, items=items)
    assert exposure[5] > exposure[6] == exposure[7] > exposure[8] == 0
    popular = _column(log, Feature.POPULARITY, user=3, items=items)
    assert popular[6] > popular[5]
    similarity = _column(log, Feature.SIMILARITY, user=3, items=items)
    assert similarity[6] == pytest.approx(1.0)
    assert similarity[5] == pytest.approx(0.5)
    all_features = np.array([_column(log, feature, user=3, items=items) for feature in Feature])
    known = all_features[np.isfinite(all_features)]
    assert ((known >= 0) & (known <= 1)).all()


@pytest.mark.slow
def test_slates_that_never_came_back_are_forgotten_in_the_end() -> None:
    """A log of what is pending must not grow for ever."""
    market = small_market(users=10, return_base=0.9)
    policy = RankingPolicy(market.observables)
    contexts = ByChance()
    list(run_days(market, {"a": treat(market, contexts)}, everybody(market), plan=Plan(days=1)))

    for _ in range(80):
        policy.choose(contexts.asked[0], size=4, generator=np.random.default_rng(1))

    assert max(len(each) for each in policy._pending.values()) == 64
