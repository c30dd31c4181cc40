"""The best slate is the best of all slates where the model allows to say so, and near it where it is found greedily."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from tests.experiments.simulator.worlds import small_market

from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.simulator.choices import expected_reward
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import Noise
from opsctl.experiments.simulator.oracle import best_places, best_rewards, is_exact, slate_utilities
from opsctl.experiments.simulator.relevance import bring_candidates, relevance_logits
from opsctl.experiments.simulator.world_book import Choice

_CANDIDATES = 7
_SIZE = 3


def _market(**numbers: Any) -> Market:
    return small_market(vendors=40, candidates=_CANDIDATES, slate=_SIZE, **numbers)


def _scene(market: Market, *, count: int, seed: int) -> tuple[Floats, Floats, Ids]:
    draw = np.random.default_rng(seed)
    candidates = np.sort(
        np.array([draw.choice(market.world.vendors, _CANDIDATES, replace=False) for _ in range(count)]),
        axis=1,
    )
    appeal = draw.normal(1.0, 1.5, candidates.shape)
    return appeal, draw.random(candidates.shape), candidates


def _brute_force(market: Market, appeal: Floats, nearest: Floats, candidates: Ids) -> Floats:
    orders = np.array(list(permutations(range(_CANDIDATES), _SIZE)))
    best = []
    for row in range(len(candidates)):
        utilities = slate_utilities(
            market,
            appeal=appeal[row][orders],
            nearest=nearest[row][orders],
            vendors=candidates[row][orders],
        )
        best.append(expected_reward(market.world, utilities).max())
    return np.array(best)


@pytest.mark.parametrize("choice", Choice)
def test_the_best_slate_is_the_best_of_all_slates(choice: Choice) -> None:
    """Against all 210 slates of 3 out of 7."""
    market = _market(choice=choice, satiation_within_slate=False)
    appeal, nearest, candidates = _scene(market, count=40, seed=1)

    found = best_rewards(market, appeal=appeal, nearest=nearest, candidates=candidates)

    assert is_exact(market.world)
    assert found == pytest.approx(_brute_force(market, appeal, nearest, candidates))


@pytest.mark.parametrize("choice", Choice)
@pytest.mark.parametrize("satiation", [0.8, 1.5])
def test_a_greedy_slate_says_so_and_misses_a_thousandth_of_what_is_real(
    choice: Choice, satiation: float
) -> None:
    """Against all slates, with candidates as the world brings them."""
    market = small_market(
        users=100, vendors=300, candidates=_CANDIDATES, slate=_SIZE, choice=choice, satiation=satiation
    )
    users = np.arange(100)
    candidates = bring_candidates(
        market, Noise(seed=1), day=0, slot=0, users=users, presence=np.ones(market.world.vendors)
    )
    appeal = relevance_logits(market, users=users, tastes=market.readers.tastes, candidates=candidates)
    nearest = np.zeros(candidates.shape)

    found = best_rewards(market, appeal=appeal, nearest=nearest, candidates=candidates)

    best = _brute_force(market, appeal, nearest, candidates)
    assert not is_exact(market.world)
    assert (found <= best + 1e-12).all()
    assert (found / best).mean() > 0.998
    assert (found / best).min() > 0.93


def test_without_satiation_both_ways_give_the_same_slates() -> None:
    """Those of the greatest appeal."""
    appeal, nearest, candidates = _scene(_market(), count=30, seed=3)
    markets = [_market(satiation=0.0, satiation_within_slate=within) for within in (False, True)]

    found = [best_places(market, appeal=appeal, nearest=nearest, candidates=candidates) for market in markets]

    assert (found[0] == found[1]).all()
    assert (found[0] == np.argsort(-appeal, axis=1)[:, :_SIZE]).all()


def test_an_item_satiates_for_those_below_it_and_not_for_those_above() -> None:
    """By the nearest of those above."""
    market = _market(satiation=2.0)
    twins = np.argsort(-market.vendors.likeness[5])[:2]
    vendors = np.array([[int(twins[0]), int(twins[1]), 5 if 5 not in twins else 6]])
    nothing = np.zeros((1, 3))

    found = slate_utilities(market, appeal=nothing, nearest=nothing, vendors=vendors)[0]

    likeness = market.vendors.likeness
    assert found[0] == 0
    assert found[1] == pytest.approx(-2.0 * likeness[vendors[0, 0], vendors[0, 1]])
    assert found[2] == pytest.approx(-2.0 * likeness[vendors[0, :2], vendors[0, 2]].max())
