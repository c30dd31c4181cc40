"""What happens day by day when these policies rank for these readers: one world, simulated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.simulator.calendar import SECOND, microseconds_of
from opsctl.experiments.simulator.choices import Occasion
from opsctl.experiments.simulator.dynamics import contentment, initial_state, live_on, sessions_today, survey
from opsctl.experiments.simulator.feedback import School, Shown, impressions_of
from opsctl.experiments.simulator.inquiries import Clicks, Inbox, saves_of
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.noise import Noise
from opsctl.experiments.simulator.records import Sessions, SimulatedDay, clicks_of, joined_sessions
from opsctl.experiments.simulator.scene import Ranking, Scene, look_around, play
from opsctl.experiments.simulator.treatment import (
    Profiles,
    Treatment,
    WarmUp,
    check_assignment,
    check_items,
    check_treatments,
    checked_places,
)

USERS_AT_ONCE = 4096
"""Readers that are worked on together, so that memory stays bounded whatever their number. Nothing that happens hangs on
it but how many readers a policy is asked for in one call."""
NOBODY = -1
INCUMBENT = "incumbent"
"""Name of what is shown in the warm-up, and to readers in no arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, and with what.

    Args:
        days: from the start on.
        warm_up: the days before it; None for none, and then nobody may be outside of all arms.
        noise_seed: chance in the world; None is that of the market's own seed, so that runs share it.
        with_propensities: whether policies are asked how probable their choices were, which may take them long.
        with_oracle: whether the best slate is looked for; without, `best_rewards` are NaN.
    """

    days: int
    warm_up: WarmUp | None = None
    noise_seed: int | None = None
    with_propensities: bool = False
    with_oracle: bool = True


def run_days(
    market: Market, treatments: Mapping[str, Treatment], assignment: Ids, *, plan: Plan
) -> Iterator[SimulatedDay]:
    """Yield what happens, day by day; the policies learn on the way, each from its own arm.

    All arms share the vendors and, with `capacity`, their time: that is interference. All else that chance decides for
    a reader is the same in every run of the market, whatever is shown (`noise`).

    Args:
        market: vendors and readers.
        treatments: what each arm does, by name.
        assignment: shape (u,), the place of each reader's arm among the treatments, or -1 for no arm: such a reader gets
            what the warm-up shows, and teaches nobody once it is over.
        plan: how long.

    Raises:
        UsageError: EXP121 to EXP124 arms, items, assignment or slates do not fit.
    """
    check_treatments(market, treatments)
    check_assignment(market, assignment, arms=len(treatments))
    if plan.warm_up is not None:
        check_items(market, plan.warm_up.treatment.items, arm=INCUMBENT)
    elif (assignment == NOBODY).any():
        raise UsageError(
            "some readers are in no arm, and nothing says what they get",
            code="EXP121",
            fix="give a `warm_up`, whose treatment they keep",
        )
    run = _Run(market, treatments, assignment, plan=plan)
    for day in range(-plan.warm_up.days if plan.warm_up else 0, plan.days):
        yield run.live(day)


class _Run:
    """One world on its way through time."""

    def __init__(
        self, market: Market, treatments: Mapping[str, Treatment], assignment: Ids, *, plan: Plan
    ) -> None:
        self._market, self._plan, self._arms = market, plan, tuple(treatments)
        self._assignment = assignment.astype(np.int64)
        self._noise = Noise(seed=market.seed if plan.noise_seed is None else plan.noise_seed)
        self._state = initial_state(market)
        self._inbox = Inbox(market=market)
        self._treatments = dict(treatments) | ({INCUMBENT: plan.warm_up.treatment} if plan.warm_up else {})
        self._profiles = {
            id(each.items): Profiles(each.items, users=market.world.users)
            for each in self._treatments.values()
        }
        self._school = School(market.world, learners=self._treatments, noise=self._noise)
        self._sessions = 0

    def live(self, day: int) -> SimulatedDay:
        """Let a day pass."""
        known_clicks = self._state.opened.copy()
        counts = sessions_today(self._market, self._noise, self._state, day=day)
        presence = self._inbox.presence(day=day)
        held: list[Sessions] = []
        saved: list[Clicks] = []
        for batch, start in enumerate(range(0, len(counts), USERS_AT_ONCE)):
            of_batch = counts[start : start + USERS_AT_ONCE]
            for slot in range(int(of_batch.max(initial=0))):
                users = start + np.flatnonzero(of_batch > slot)
                occasion = Occasion(noise=self._noise, day=day, slot=slot, users=users)
                sessions, saves = self._hold(occasion, presence=presence, batch=batch)
                held.append(sessions)
                saved.append(saves)
        return self._ended(
            day, known_clicks=known_clicks, came=np.flatnonzero(counts), held=held, saved=saved
        )

    def _hold(self, occasion: Occasion, *, presence: Floats, batch: int) -> tuple[Sessions, Clicks]:
        """Hold one session of each of these readers, and return it with what was saved."""
        market = self._market
        scene = look_around(market, self._state, occasion=occasion, presence=presence)
        ranking = self._rank(scene, batch=batch)
        sessions = play(market, scene, ranking, with_oracle=self._plan.with_oracle)
        numbers = self._sessions + np.arange(len(sessions.users))
        self._sessions += len(numbers)
        self._note(sessions, numbers, day=occasion.day)
        live_on(
            market,
            self._state,
            occasion=occasion,
            vendors=sessions.slates,
            clicks=sessions.clicks,
            relevance=sessions.relevance,
        )
        clicks = clicks_of(sessions, impressions=impressions_of(numbers, size=market.world.slate))
        self._inbox.send(clicks, occasion=occasion)
        return sessions, clicks.only(saves_of(market, clicks, occasion=occasion))

    def _rank(self, scene: Scene, *, batch: int) -> Ranking:
        """Let each arm rank for its own readers."""
        occasion, size = scene.occasion, self._market.world.slate
        count = len(occasion.users)
        arms = np.full(count, NOBODY) if occasion.day < 0 else self._assignment[occasion.users]
        places = np.empty((count, size), np.int64)
        propensities, agents = np.empty((count, size)), np.empty(count, np.int64)
        for arm in np.unique(arms).tolist():
            rows = np.flatnonzero(arms == arm)
            name = INCUMBENT if arm == NOBODY else self._arms[arm]
            treatment = self._treatments[name]
            slates = treatment.policy.choose(
                self._profiles[id(treatment.items)].contexts(
                    occasion.users[rows], candidates=scene.candidates[rows], day=occasion.day
                ),
                size=size,
                generator=self._noise.generator(name=name, day=occasion.day, slot=occasion.slot, batch=batch),
                with_propensities=self._plan.with_propensities,
            )
            places[rows] = checked_places(slates, scene.candidates[rows], size=size, arm=name)
            propensities[rows] = slates.propensities
            agents[rows] = treatment.agent_calls
        return Ranking(places=places, propensities=propensities, arms=arms, agents=agents)

    def _note(self, sessions: Sessions, numbers: Ids, *, day: int) -> None:
        """Keep for each learner what it will learn from, as it looks now; then remember the clicks."""
        for name in self._learners(day):
            own = (
                np.arange(len(numbers))
                if day < 0
                else np.flatnonzero(sessions.arms == self._arms.index(name))
            )
            profiles = self._profiles[id(self._treatments[name].items)]
            shown = Shown(
                sessions=numbers[own],
                users=sessions.users[own],
                user_vectors=profiles.vectors_of(sessions.users[own]),
                user_groups=profiles.groups_of(sessions.users[own]),
                slates=sessions.slates[own],
                propensities=sessions.propensities[own],
                clicks=sessions.clicks[own],
            )
            self._school.note(name, shown, day=day)
        rows, places = np.nonzero(sessions.clicks)
        for profiles in self._profiles.values():
            profiles.note(sessions.users[rows], sessions.slates[rows, places])

    def _learners(self, day: int) -> Sequence[str]:
        """Return who learns from this day: each arm from its own readers, and from the warm-up as the plan says."""
        if day >= 0 or self._plan.warm_up is None:
            return self._arms
        own = self._plan.warm_up.treatment.policy
        arms = [
            name for name in self._arms if self._plan.warm_up.teaches or self._treatments[name].policy is own
        ]
        return arms if any(self._treatments[name].policy is own for name in arms) else [*arms, INCUMBENT]

    def _ended(
        self, day: int, *, known_clicks: Ids, came: Ids, held: list[Sessions], saved: list[Clicks]
    ) -> SimulatedDay:
        """Let arrive what arrives, ask who is asked, and teach what is settled."""
        market, state = self._market, self._state
        inquiries = self._inbox.receive(day=day)
        np.subtract.at(state.satisfaction, inquiries.users[~inquiries.accepted], market.world.disappointment)
        answered, answers = survey(
            market, state, occasion=Occasion(noise=self._noise, day=day, slot=0, users=came)
        )
        self._school.note_paid(inquiries.impressions[inquiries.accepted], day=day)
        self._school.teach(day=day)
        return SimulatedDay(
            day=day,
            arms=self._arms,
            assignment=self._assignment,
            sessions=joined_sessions(held, world=market.world),
            known_clicks=known_clicks,
            cities=market.readers.cities,
            saved_users=np.concatenate([np.zeros(0, np.int64), *(each.users for each in saved)]),
            saved_at=np.concatenate([np.zeros(0, np.int64), *(each.at for each in saved)]),
            inquiries=inquiries,
            answered_users=answered,
            answered_at=np.full(len(answered), microseconds_of(day + 1) - SECOND),
            answers=answers,
            satisfaction=contentment(market, state),
            label={**market.label, "noise_seed": str(self._noise.seed)},
        )
