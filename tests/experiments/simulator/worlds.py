"""Small worlds, and policies that need no learner: by chance, by what is seen, and by the hidden truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids, Items, Slates
from opsctl.experiments.simulator.market import Market, make_market
from opsctl.experiments.simulator.observed_items import usual_items
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.relevance import relevance_logits
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment
from opsctl.experiments.simulator.world_book import world_of

_ITEMS: dict[str, Any] = {}


class ByChance:
    """Shows any candidates; keeps what it is taught, so that tests can look at it."""

    name = "random"
    state_bytes = 0

    def __init__(self) -> None:
        self.taught: list[Feedback] = []
        self.asked: list[Contexts] = []

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Return the candidates that score best."""
        self.asked.append(contexts)
        order = np.argsort(-self.scores(contexts, generator), axis=1, kind="stable")[:, :size]
        items = np.take_along_axis(contexts.candidates, order, axis=1)
        share = 1 / contexts.candidates.shape[1] if with_propensities else np.nan
        return Slates(items=items, propensities=np.full(items.shape, share))

    def scores(self, contexts: Contexts, generator: np.random.Generator) -> Floats:
        """Return what each candidate is worth."""
        return generator.random(contexts.candidates.shape)

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Keep what is taught."""
        self.taught.append(feedback)


class BySimilarity(ByChance):
    """Shows what is like what the reader clicked."""

    name = "similar"

    def scores(self, contexts: Contexts, generator: np.random.Generator) -> Floats:
        """Return cosines, ties broken by chance."""
        cosines = np.take_along_axis(
            contexts.user_vectors @ contexts.items.vectors.T, contexts.candidates, axis=1
        )
        return cosines + 1e-6 * generator.random(contexts.candidates.shape)


class ByTruth(ByChance):
    """Knows the readers' tastes of the first day; `error` blurs what it knows."""

    name = "truth"

    def __init__(self, market: Market, *, error: float = 0.0) -> None:
        super().__init__()
        self._market = market
        self._error = error

    def scores(self, contexts: Contexts, generator: np.random.Generator) -> Floats:
        """Return true log-odds of a click, but for satiation."""
        market = self._market
        logits = relevance_logits(
            market,
            users=contexts.users,
            tastes=market.readers.tastes[contexts.users],
            candidates=contexts.candidates,
        )
        appeal = logits + market.world.clickbait_weight * market.vendors.clickbait[contexts.candidates]
        return appeal + self._error * generator.standard_normal(appeal.shape)


def small_market(*, users: int = 60, seed: int = 1, **numbers: Any) -> Market:
    """Return a market of few readers and vendors."""
    usual: dict[str, Any] = {"vendors": 60, "candidates": 15, "slate": 4}
    return make_market(world_of(usual | numbers, users=users), seed=seed)


def treat(market: Market, policy: ByChance | None = None, *, agent_calls: int = 0) -> Treatment:
    """Return an arm with the usual embedding."""
    return Treatment(policy=policy or ByChance(), items=_items_of(market), agent_calls=agent_calls)


def _items_of(market: Market) -> Items:
    """Return the usual embedding of a market, made once: that takes longer than a day of so small a world."""
    if _ITEMS.get("market") is not market:
        _ITEMS.update(market=market, items=usual_items(market.observables))
    items: Items = _ITEMS["items"]
    return items


def everybody(market: Market, arm: int = 0) -> Ids:
    """Return an assignment of all readers to one arm."""
    return np.full(market.world.users, arm)


def halves(market: Market, *, seed: int = 7) -> Ids:
    """Return an assignment of each reader to one of two arms by chance."""
    return np.random.default_rng(seed).integers(0, 2, market.world.users)


def run_alone(market: Market, policy: ByChance, *, days: int = 4, **plan: Any) -> list[SimulatedDay]:
    """Return the days of a world in which all readers get one policy."""
    return list(
        run_days(market, {"only": treat(market, policy)}, everybody(market), plan=Plan(days=days, **plan))
    )


def column(days: Sequence[SimulatedDay], name: str) -> Any:
    """Return a column of all sessions."""
    return np.concatenate([getattr(day.sessions, name) for day in days])
