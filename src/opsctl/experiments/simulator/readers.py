"""Who comes to look: what readers like, can pay and how often they come, none of which anybody sees."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Flags, Floats, Ids
from opsctl.experiments.simulator.noise import population_generator
from opsctl.experiments.simulator.vendors import Vendors
from opsctl.experiments.simulator.world_book import World

_BUDGET_SPREAD = 0.5  # as that of prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The truth about u readers at the beginning; `dynamics` holds what changes.

    Args:
        tastes: shape (u, k), the taste theta.
        styles: shape (u,), the style that it was drawn around.
        hidden: shape (u, s), the styles that each likes without having shown it.
        log_budget: shape (u,).
        cities: shape (u,).
        activity: shape (u,), chance to come on a day whatever the satisfaction.
    """

    tastes: Floats
    styles: Ids
    hidden: Flags
    log_budget: Floats
    cities: Ids
    activity: Floats


def make_readers(world: World, vendors: Vendors, *, seed: int) -> Readers:
    """Return the readers of a world; the same seed gives the same ones, and a larger world more of the same kind."""
    draw = population_generator(seed, "readers")
    count = world.users
    styles = draw.integers(0, world.styles, count)
    noise = draw.standard_normal((count, world.dimensions))
    activity = draw.gamma(world.return_shape, world.return_base / world.return_shape, count)
    return Readers(
        tastes=vendors.centres[styles] + world.taste_spread * noise,
        styles=styles,
        hidden=_hidden(world, styles, draw),
        log_budget=_BUDGET_SPREAD * draw.standard_normal(count),
        cities=draw.integers(0, world.cities, count),
        activity=activity,
    )


def _hidden(world: World, styles: Ids, draw: np.random.Generator) -> Flags:
    rows = np.arange(len(styles))
    order = draw.random((len(styles), world.styles))
    order[rows, styles] = -1.0  # the style that is liked openly hides nothing
    hidden = np.zeros(order.shape, np.bool_)
    for _ in range(world.hidden_styles):
        greatest = order.argmax(axis=1)
        hidden[rows, greatest] = True
        order[rows, greatest] = -1.0
    return hidden
