"""What does a reader click in a slate: three models of choice, and what each makes of a slate on average."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Flags, Floats, Ids
from opsctl.experiments.simulator.noise import Noise, Stream
from opsctl.experiments.simulator.relevance import sigmoid
from opsctl.experiments.simulator.world_book import Choice, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Who chooses when: what the chance of a choice hangs on."""

    noise: Noise
    day: int
    slot: int
    users: Ids


def click_probabilities(world: World, utilities: Floats) -> Floats:
    """Return the probability that each item is clicked, shape (b, m).

    With utility u_k at place k and w_k = k ^ -bias: logit `w_k exp(u_k) / (exp(no click) + sum w exp(u))`; cascade
    `p_k prod_{i<k} patience (1 - p_i)`; independent `w_k p_k`; where p = sigmoid(u - no click). Of a single item all three
    say the same.

    Args:
        world: its choice model and that model's numbers.
        utilities: shape (b, m), in the order shown.
    """
    shares: Floats
    match world.choice:
        case Choice.LOGIT:
            terms = utilities + _log_looks(world, utilities.shape[1])
            greatest = np.maximum(terms.max(axis=1, keepdims=True), world.no_click)
            powers = np.exp(terms - greatest)
            shares = powers / (powers.sum(axis=1, keepdims=True) + np.exp(world.no_click - greatest))
        case Choice.CASCADE:
            liked = sigmoid(utilities - world.no_click)
            going_on = np.cumprod(world.patience * (1.0 - liked), axis=1)
            reached = np.concatenate([np.ones((len(liked), 1)), going_on[:, :-1]], axis=1)
            shares = liked * reached
        case Choice.INDEPENDENT:
            shares = sigmoid(utilities - world.no_click) * np.exp(_log_looks(world, utilities.shape[1]))
    return shares


def expected_reward(world: World, utilities: Floats) -> Floats:
    """Return the expected number of clicks of each slate, shape (b,); at most 1 but in `independent`."""
    rewards: Floats = click_probabilities(world, utilities).sum(axis=1)
    return rewards


def choose(world: World, utilities: Floats, *, vendors: Ids, occasion: Occasion) -> Flags:
    """Return what is clicked, shape (b, m).

    Chance hangs on the vendor and not on its place: a reader who would click a vendor in one slate is of the same mind
    when another policy shows it further down.
    """
    numbers = occasion.noise.uniforms_at(
        Stream.CHOICE, day=occasion.day, users=occasion.users, columns=vendors, slot=occasion.slot
    )
    match world.choice:
        case Choice.LOGIT:
            leaving = occasion.noise.uniforms(
                Stream.LEAVING, day=occasion.day, users=occasion.users, slot=occasion.slot
            )
            return _chosen_by_logit(world, utilities, numbers, leaving)
        case Choice.CASCADE:
            return _chosen_by_cascade(world, utilities, numbers, occasion)
        case Choice.INDEPENDENT:
            return numbers < click_probabilities(world, utilities)


def _log_looks(world: World, size: int) -> Floats:
    return -world.position_bias * np.log(np.arange(1, size + 1))


def _chosen_by_logit(world: World, utilities: Floats, numbers: Floats, leaving: Floats) -> Flags:
    """Return the argmax of utility plus Gumbel noise, which is a draw from the logit's shares (McFadden, 1974)."""
    values = utilities + _log_looks(world, utilities.shape[1]) - np.log(-np.log(numbers))
    best = values.argmax(axis=1)
    clicks = np.zeros(utilities.shape, np.bool_)
    rows = np.arange(len(best))
    clicks[rows, best] = values[rows, best] > world.no_click - np.log(-np.log(leaving))
    return clicks


def _chosen_by_cascade(world: World, utilities: Floats, numbers: Floats, occasion: Occasion) -> Flags:
    wanted = numbers < sigmoid(utilities - world.no_click)
    size = utilities.shape[1]
    patience = occasion.noise.uniforms_at(
        Stream.LEAVING, day=occasion.day, users=occasion.users, columns=np.arange(size), slot=occasion.slot
    )
    # the item at place k is reached when none above was wanted, and patience lasted after each of them
    goes_on = np.logical_and.accumulate((patience < world.patience) & ~wanted, axis=1)
    reached = np.concatenate([np.ones((len(wanted), 1), np.bool_), goes_on[:, :-1]], axis=1)
    clicks: Flags = wanted & reached
    return clicks
