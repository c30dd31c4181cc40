"""What is the best slate, knowing everything, and what does each policy's slate miss of it?"""

import numpy as np

from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.simulator.choices import expected_reward
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.relevance import likeness_to
from opsctl.experiments.simulator.world_book import World


def is_exact(world: World) -> bool:
    """Tell whether `best_places` is the best slate, and not one found greedily.

    Without satiation within a slate the utility of an item does not depend on the others, and in all three choice
    models two neighbours are best in the order of their utilities: of logit and independent by the rearrangement
    inequality, of cascade because exchanging them gains (1 - patience)(p_1 - p_2). Best for the session at hand; what a
    slate does to later sessions is not looked at.
    """
    return world.satiation == 0 or not world.satiation_within_slate


def best_places(market: Market, *, appeal: Floats, nearest: Floats, candidates: Ids) -> Ids:
    """Return places among the candidates, shape (b, m), best first.

    Where the items of a slate satiate for each other, each next item is the one of greatest utility given those above
    it. Such a slate may now and then be worse than what a policy shows, by little.

    Args:
        market: where.
        appeal: shape (b, c), utility of each candidate but for satiation.
        nearest: shape (b, c), likeness to what the reader remembers.
        candidates: shape (b, c), vendors.
    """
    world = market.world
    if is_exact(world):
        return np.argsort(world.satiation * nearest - appeal, axis=1, kind="stable")[:, : world.slate]
    rows = np.arange(len(candidates))
    left, near = appeal.copy(), nearest.copy()
    places = np.empty((len(candidates), world.slate), np.int64)
    for place in range(world.slate):
        best = (left - world.satiation * near).argmax(axis=1)
        places[:, place] = best
        left[rows, best] = -np.inf
        np.maximum(near, likeness_to(market, candidates[rows, best], candidates), out=near)
    return places


def slate_utilities(market: Market, *, appeal: Floats, nearest: Floats, vendors: Ids) -> Floats:
    """Return the utility of each item of a slate where it stands, satiation included, shape (b, m).

    Args:
        market: where.
        appeal: shape (b, m), utility of each item but for satiation.
        nearest: shape (b, m), likeness of each to what the reader remembers.
        vendors: shape (b, m), in the order shown.
    """
    world = market.world
    near = nearest
    if world.satiation_within_slate:
        near = nearest.copy()
        for place in range(vendors.shape[1] - 1):
            below = vendors[:, place + 1 :]
            likeness = likeness_to(market, vendors[:, place], below)
            np.maximum(near[:, place + 1 :], likeness, out=near[:, place + 1 :])
    return appeal - world.satiation * near


def best_rewards(market: Market, *, appeal: Floats, nearest: Floats, candidates: Ids) -> Floats:
    """Return the expected reward of the best slate, shape (b,)."""
    places = best_places(market, appeal=appeal, nearest=nearest, candidates=candidates)
    utilities = slate_utilities(
        market,
        appeal=np.take_along_axis(appeal, places, axis=1),
        nearest=np.take_along_axis(nearest, places, axis=1),
        vendors=np.take_along_axis(candidates, places, axis=1),
    )
    return expected_reward(market.world, utilities)
