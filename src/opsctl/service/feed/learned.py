"""What has been learned so far: arms and policy as a feed needs them, from L1, else the database, else nothing known."""

from typing import Any

from opsctl.clients.pool_ports import LendsConnections
from opsctl.ranking.model import ArmsState, PolicyState, RankingState
from opsctl.ranking.policy import with_agents
from opsctl.ranking.reader import CONTEXT
from opsctl.ranking.thompson import with_arms
from opsctl.service.book import Ranking
from opsctl.service.cache import keys
from opsctl.service.cache.kind import KindCache
from opsctl.service.feed.treatments import Treatment
from opsctl.store.learning import Learned, LearnedState, read_newest


class LearnedStates:
    """The states that feeds rank with, one a learner; L1 kind `thompson`."""

    def __init__(self, database: LendsConnections, *, cache: KindCache[RankingState]) -> None:
        self._database = database
        self._cache = cache

    async def current(self, treatment: Treatment) -> RankingState:
        """Return the newest state of a reader's learner, fitted to the agents and arms of that reader's settings."""
        key = keys.thompson(treatment.learner) if treatment.learner else keys.thompson()
        state = await self._cache.get(key, lambda: self._load(treatment))
        if state is None:
            raise AssertionError("there is a state always, if one that knows nothing")
        return state

    async def _load(self, treatment: Treatment) -> RankingState:
        async with self._database.connection("read_state") as connection:
            newest = await read_newest(connection, learner=treatment.learner)
        return RankingState(
            arms=arms_of(newest.get(Learned.ARMS), settings=treatment.settings),
            policy=policy_of(newest.get(Learned.POLICY), settings=treatment.settings),
        )


def size_of_state(state: RankingState) -> int:
    """Return about how much memory a state takes."""
    numbers = 2 * len(state.arms.names) + sum(len(row) + 1 for row in state.policy.means)
    return 500 + 40 * numbers


def arms_of(stored: LearnedState | None, *, settings: Ranking) -> ArmsState:
    """Return the arms of the book with what is known of them."""
    if stored is None:
        return with_arms(ArmsState(names=(), alpha=(), beta=()), settings.arms)
    return with_arms(stored_arms(stored), settings.arms)


def stored_arms(stored: LearnedState) -> ArmsState:
    """Return the arms as they were stored, whatever arms the book has by now."""
    state = stored.state
    return ArmsState(
        names=tuple(state["names"]),
        alpha=tuple(state["alpha"]),
        beta=tuple(state["beta"]),
        version=stored.version,
    )


def policy_of(stored: LearnedState | None, *, settings: Ranking) -> PolicyState:
    """Return the policy of the book's agents with what is known of it."""
    known = PolicyState(agents=(), means=(), log_sigmas=()) if stored is None else stored_policy(stored)
    return with_agents(known, settings.agents, context_size=len(CONTEXT))


def stored_policy(stored: LearnedState) -> PolicyState:
    """Return the policy as it was stored, whatever agents the book has by now."""
    state = stored.state
    return PolicyState(
        agents=tuple(state["agents"]),
        means=tuple(tuple(row) for row in state["means"]),
        log_sigmas=tuple(state["log_sigmas"]),
        version=stored.version,
    )


def arms_document(state: ArmsState) -> dict[str, Any]:
    """Return the arms as they are stored; the version is the row's."""
    return {"names": list(state.names), "alpha": list(state.alpha), "beta": list(state.beta)}


def policy_document(state: PolicyState) -> dict[str, Any]:
    """Return the policy as it is stored; the version is the row's."""
    return {
        "agents": list(state.agents),
        "means": [list(row) for row in state.means],
        "log_sigmas": list(state.log_sigmas),
    }
