"""How does the service's real ranking do in the simulator: the same agents, exploration arms and updates, on what can be seen.

Nothing is imitated: `ranking.rank` makes each slate, `ranking.thompson` and `ranking.learning` learn from what came of it.
Ours is only what the service reads from its database: features, histories and popularity, from this arm's own log.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Slates
from opsctl.experiments.simulator.observed_items import of_length_1
from opsctl.experiments.simulator.observed_readers import Log
from opsctl.experiments.simulator.vendors import Observables
from opsctl.ranking.agents import make_agents
from opsctl.ranking.arms import Arm
from opsctl.ranking.defaults import DIVERSITY, EXPLORATION_SHARE, PROPENSITY_FLOOR
from opsctl.ranking.grouping import Sample, group_samples
from opsctl.ranking.learning import LearningOptions, update_policy
from opsctl.ranking.model import PolicyState, RankingOptions, RankingState, Slate
from opsctl.ranking.policy import density_ratios, initial_policy
from opsctl.ranking.rank import rank
from opsctl.ranking.reader import CONTEXT
from opsctl.ranking.thompson import initial_arms, update_arms

FOUR_AGENTS = ("discovery", "quality", "archivist", "serendipity")
SIXTH_AGENT_WEIGHTS = {"price_fit": 0.5, "popularity": 0.3, "exposure": -0.2}
"""The weights of the agent `custom`, which has no usual ones."""
_GREATEST_RATIO = 2.0  # truncated importance sampling, as in the service
_SLATES_A_STEP = 100  # the service learns every minute; a day of a simulated arm is some of its steps
_MOST_PENDING = 64  # decisions of one reader whose outcome never came, such as of slates that were not shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """A slate that was made, and what is needed to learn from it."""

    slate: Slate
    context: tuple[float, ...]
    policy: PolicyState


class RankingPolicy:
    """The service's ranking as a policy (`learners.model.Policy`); it says no propensities of single items.

    Args:
        observables: what can be seen of the vendors.
        agents: who scores, such as `FOUR_AGENTS`.
        custom_weights: of the agent `custom`; None gives it `SIXTH_AGENT_WEIGHTS`.
        exploration_share: see the service's book, as all that follows.
        diversity: see there.
        propensity_floor: see there.
        learning: how the weights of the agents learn; None is the usual way.
        name: by which reports know it.
    """

    def __init__(  # noqa: PLR0913 - the choices of the service's book
        self,
        observables: Observables,
        *,
        agents: Sequence[str] = FOUR_AGENTS,
        custom_weights: Mapping[str, float] | None = None,
        exploration_share: float = EXPLORATION_SHARE,
        diversity: float = DIVERSITY,
        propensity_floor: float = PROPENSITY_FLOOR,
        learning: LearningOptions | None = None,
        name: str = "ranking",
    ) -> None:
        self.name = name
        self._options = RankingOptions(
            limit=0,  # what is asked for
            agents=tuple(agents),
            exploration_share=exploration_share,
            diversity=diversity,
            propensity_floor=propensity_floor,
            custom_weights=(custom_weights or SIXTH_AGENT_WEIGHTS) if "custom" in agents else None,
        )
        self._agents = make_agents(self._options.agents, self._options.custom_weights)
        self._learning = learning
        self._log = Log(observables)
        self._arms = initial_arms([str(arm) for arm in Arm])
        self._policy = initial_policy(self._options.agents, context_size=len(CONTEXT))
        self._pending: dict[int, deque[_Decision]] = {}

    @property
    def state(self) -> RankingState:
        """Return all that was learned about arms and agents."""
        return RankingState(arms=self._arms, policy=self._policy)

    @property
    def state_bytes(self) -> int:
        """Return the size of the learned numbers; the log is data, not state."""
        return 8 * (2 * len(self._arms.names) + len(self._policy.agents) * (len(CONTEXT) + 1))

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,  # noqa: ARG002 - a slate's place is no single draw
    ) -> Slates:
        """Return a slate for each context, as the service would make it, one after the other."""
        view = self._log.view(of_length_1(contexts.items.vectors).astype(np.float32), day=contexts.day)
        options = replace(self._options, limit=size)
        shown = np.empty((len(contexts.users), size), np.int64)
        seeds = generator.integers(0, 2**63, len(contexts.users)).tolist()
        for row, (user, seed) in enumerate(zip(contexts.users.tolist(), seeds, strict=True)):
            reader = view.reader(user)
            candidates = view.candidates(user, reader, contexts.candidates[row])
            slate = rank(
                candidates, reader, state=self.state, options=options, seed=seed, agents=self._agents
            )
            shown[row] = slate.ids
            self._keep(user, slate, context=tuple(reader.context.tolist()))
        self._log.note_shown(shown)
        return Slates(items=shown, propensities=np.full(shown.shape, np.nan))

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:  # noqa: ARG002
        """Learn from slates whose outcome is settled; those that others made only tell of readers and vendors."""
        places = np.flatnonzero(feedback.positions == 0)
        ends = np.append(places[1:], len(feedback.positions))
        closed = []
        for start, end in zip(places.tolist(), ends.tolist(), strict=True):
            items, rewards = feedback.items[start:end], feedback.rewards[start:end]
            decision = self._taken(int(feedback.users[start]), tuple(items.tolist()))
            if decision is not None:
                closed.append((decision, rewards))
        for start in range(0, len(closed), _SLATES_A_STEP):
            self._step(closed[start : start + _SLATES_A_STEP])
        self._log.note_feedback(feedback)

    def _step(self, closed: Sequence[tuple[_Decision, Floats]]) -> None:
        successes: Counter[str] = Counter()
        failures: Counter[str] = Counter()
        for decision, rewards in closed:
            if decision.slate.arm is not None:
                counts = successes if rewards[list(decision.slate.explored)].any() else failures
                counts[decision.slate.arm] += 1
        self._arms = update_arms(self._arms, successes=successes, failures=failures)
        groups = group_samples(
            [self._sample(decision, rewards) for decision, rewards in closed], agents=self._policy.agents
        )
        self._policy = update_policy(self._policy, groups, self._learning).state

    def _sample(self, decision: _Decision, rewards: Floats) -> Sample:
        logits = [decision.slate.logits[name] for name in self._policy.agents]
        ratio = density_ratios(
            self._policy,
            decision.policy,
            contexts=np.array([decision.context]),
            logits=np.array([logits]),
            greatest=_GREATEST_RATIO,
        )
        propensity = decision.slate.propensity
        return Sample(
            context=decision.context,
            logits=decision.slate.logits,
            reward=min(1.0, float(rewards.sum())),
            importance=1.0 if propensity is None else 1.0 / (propensity * len(self._arms.names)),
            ratio=float(ratio[0]),
        )

    def _keep(self, user: int, slate: Slate, *, context: tuple[float, ...]) -> None:
        pending = self._pending.setdefault(user, deque(maxlen=_MOST_PENDING))
        pending.append(_Decision(slate=slate, context=context, policy=self._policy))

    def _taken(self, user: int, items: tuple[int, ...]) -> _Decision | None:
        """Return the decision that made this slate of a reader, which waits no longer; None where another made it."""
        pending = self._pending.get(user, deque())
        for number, decision in enumerate(pending):
            if decision.slate.ids == items:
                del pending[number]
                return decision
        return None
