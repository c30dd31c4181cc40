"""What if two arms fill one slate by turns: team-draft interleaving, so that the same reader chooses between them.

Radlinski, Kurup and Joachims (CIKM 2008): whoever has placed fewer items places next, a coin decides where both have placed as
many, and each places its best item that is not there yet. Neither arm has better places on average, so what is clicked tells
which one readers prefer. `statistics.interleaving` judges the credits.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Contexts, Feedback, Flags, Floats, Ids, Slates
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.treatment import Profiles, Treatment, check_treatments

_CONTROL, _TREATMENT = "control", "treatment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """Clicks by whose item it was, one row for each session, shape (n,) each."""

    readers: Ids
    for_control: Floats
    for_treatment: Floats


class Duel:
    """Two arms as one policy (`learners.model.Policy`); run it as the only arm, `Treatment(policy=duel, items=...)`.

    Each arm sees readers in its own space, as far as feedback of former days has told of them, and learns from the items that
    it placed itself. What neither placed, such as the slates of a warm-up, teaches both.

    Args:
        market: where.
        control: one arm.
        treatment: the other one.

    Raises:
        UsageError: EXP122 both share a learner, EXP123 items are not the vendors.
    """

    name = "duel"

    def __init__(self, market: Market, *, control: Treatment, treatment: Treatment) -> None:
        check_treatments(market, {_CONTROL: control, _TREATMENT: treatment})
        self._arms = (control, treatment)
        self._profiles = tuple(Profiles(arm.items, users=market.world.users) for arm in self._arms)
        self._teams: defaultdict[int, list[Flags]] = defaultdict(list)
        self._placed: dict[tuple[int, bytes], Flags] = {}

    @property
    def state_bytes(self) -> int:
        """Return the size of what both have learned."""
        return sum(arm.policy.state_bytes for arm in self._arms)

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,  # noqa: ARG002 - of a mixed slate nobody asks
    ) -> Slates:
        """Return mixed slates; the contexts' own vectors are not looked at."""
        slates = [
            arm.policy.choose(
                profiles.contexts(contexts.users, candidates=contexts.candidates, day=contexts.day),
                size=size,
                generator=generator,
            ).items
            for arm, profiles in zip(self._arms, self._profiles, strict=True)
        ]
        items, teams = team_draft(*slates, coins=generator.random((len(contexts.users), size)) < 0.5)
        self._teams[contexts.day].append(teams)
        for user, slate, team in zip(contexts.users.tolist(), items, teams, strict=True):
            self._placed[user, slate.tobytes()] = team
        return Slates(items=items, propensities=np.full(items.shape, np.nan))

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Let each arm learn from what it placed, and both know the readers by all that they clicked."""
        size = int(feedback.positions.max(initial=0)) + 1
        slates = feedback.items.reshape(-1, size)
        everybody = np.ones(size, np.bool_)
        teams = [
            self._placed.pop((user, slate.tobytes()), None)
            for user, slate in zip(feedback.users[::size].tolist(), slates, strict=True)
        ]
        for number, (arm, profiles) in enumerate(zip(self._arms, self._profiles, strict=True)):
            own = [everybody if team is None else team == bool(number) for team in teams]
            rows = np.flatnonzero(np.concatenate([np.zeros(0, np.bool_), *own]))
            arm.policy.learn(_part(feedback, rows, profiles=profiles), generator=generator)
        clicked = feedback.rewards > 0
        for profiles in self._profiles:
            profiles.note(feedback.users[clicked], feedback.items[clicked])

    def credits(self, day: SimulatedDay) -> Credits:
        """Return whose items were clicked on a day on which all readers had the duel."""
        teams = np.concatenate([np.zeros((0, day.sessions.slates.shape[1]), np.bool_), *self._teams[day.day]])
        if teams.shape != day.sessions.clicks.shape:
            raise ValueError(f"day {day.day} holds sessions that were no duels")
        clicks = day.sessions.clicks
        return Credits(
            readers=day.sessions.users,
            for_control=(clicks & ~teams).sum(axis=1).astype(np.float64),
            for_treatment=(clicks & teams).sum(axis=1).astype(np.float64),
        )


def team_draft(control: Ids, treatment: Ids, *, coins: Flags) -> tuple[Ids, Flags]:
    """Return mixed slates, shape (b, m), and whether the treatment placed each item.

    Args:
        control: shape (b, m), best first, distinct within a row.
        treatment: the same of the other arm.
        coins: shape (b, m), whether the treatment places next where both have placed as many.
    """
    rows, (count, size) = np.arange(len(control)), control.shape
    items, teams = np.empty((count, size), np.int64), np.empty((count, size), np.bool_)
    lead = np.zeros(count, np.int64)  # of the treatment over the control, in items placed
    is_free = [np.ones((count, size), np.bool_), np.ones((count, size), np.bool_)]
    for place in range(size):
        turn = np.where(lead == 0, coins[:, place], lead < 0)
        best = [
            slates[rows, free.argmax(axis=1)]
            for slates, free in zip((control, treatment), is_free, strict=True)
        ]
        picked = np.where(turn, best[1], best[0])
        items[:, place], teams[:, place] = picked, turn
        lead += np.where(turn, 1, -1)
        for slates, free in zip((control, treatment), is_free, strict=True):
            np.logical_and(free, slates != picked[:, None], out=free)
    return items, teams


def _part(feedback: Feedback, rows: Ids, *, profiles: Profiles) -> Feedback:
    """Return some impressions, with the readers as an arm's own space knows them."""
    users = feedback.users[rows]
    return Feedback(
        users=users,
        user_vectors=profiles.vectors_of(users),
        user_groups=profiles.groups_of(users),
        items=feedback.items[rows],
        positions=feedback.positions[rows],
        rewards=feedback.rewards[rows],
        propensities=feedback.propensities[rows],
        all_items=profiles.items,
    )
