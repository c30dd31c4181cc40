"""How do simulated readers fare with the service's own ranking: their answers, their returns, and what they are shown?

Readers, vendors and chance are those of `experiments.simulator`; the ranking is the service's, with the settings of its book.
Levels hang on numbers of that world which are ours. What they are good for is to see them change with the ranking.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.experiments.learners.model import Policy
from opsctl.experiments.learners.policies import make_policy
from opsctl.experiments.readers.measures import (
    RETENTION_DAYS,
    RETENTION_WINDOW_DAYS,
    Measure,
    Subject,
)
from opsctl.experiments.simulator.market import Market, make_market
from opsctl.experiments.simulator.noise import population_generator
from opsctl.experiments.simulator.ranking_policy import RankingPolicy
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment
from opsctl.experiments.simulator.world_book import world_of
from opsctl.experiments.studies.arms import ArmSettings
from opsctl.experiments.studies.model import SIMULATED
from opsctl.experiments.studies.spaces import Space, Spaces

DAYS = 67
"""As long as the definition of retention looks back: 30 days of first visits, 30 more, and a week."""
_SURVEY_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldFigures:
    """What one world showed.

    Args:
        answers: of the survey, 100, 0 or -100 each.
        cohort: readers who came early enough to be asked whether they came again.
        came_back: of those, in the week after 30 days.
        came_on_the_day: of those, on the 30th day itself.
        feeds: that were shown.
        relevance: mean NDCG of those.
        random_relevance: the same, where feeds are drawn by lot from the same candidates.
        share_of_best: expected clicks of all feeds, of those that the best feeds would bring.
    """

    answers: tuple[float, ...]
    cohort: int
    came_back: int
    came_on_the_day: int
    feeds: int
    relevance: float
    random_relevance: float
    share_of_best: float


def simulate_readers(
    settings: ArmSettings, *, users: int, seeds: Sequence[int], listener: Listener
) -> tuple[WorldFigures, ...]:
    """Let readers live with the ranking in one world after the other."""
    return tuple(_world(settings, users=users, seed=seed, listener=listener) for seed in seeds)


def measures_of(worlds: Sequence[WorldFigures]) -> tuple[Measure, ...]:
    """Return the three measures over all worlds."""
    answers = [answer for world in worlds for answer in world.answers]
    cohort = sum(world.cohort for world in worlds)
    feeds = sum(world.feeds for world in worlds)
    return (
        Measure(
            subject=Subject.NPS,
            value=float(np.mean(answers)) if answers else None,
            number=len(answers),
            simulated=SIMULATED,
            figures={"by_world": [_mean(world.answers) for world in worlds]},
        ),
        Measure(
            subject=Subject.RETENTION,
            value=sum(world.came_back for world in worlds) / cohort if cohort else None,
            number=cohort,
            simulated=SIMULATED,
            figures={"on_the_day": _ratio(sum(world.came_on_the_day for world in worlds), cohort)},
        ),
        Measure(
            subject=Subject.RELEVANCE,
            value=sum(world.relevance * world.feeds for world in worlds) / feeds if feeds else None,
            number=feeds,
            simulated=SIMULATED,
            figures={
                "by_lot": _ratio(sum(world.random_relevance * world.feeds for world in worlds), feeds),
                "share_of_best_clicks": _ratio(
                    sum(world.share_of_best * world.feeds for world in worlds), feeds
                ),
            },
        ),
    )


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def _world(settings: ArmSettings, *, users: int, seed: int, listener: Listener) -> WorldFigures:
    market = make_market(world_of({}, users=users), seed=seed)
    own = RankingPolicy(
        market.observables,
        agents=settings.agents,
        custom_weights=settings.custom_weights,
        exploration_share=settings.exploration_share,
        diversity=settings.diversity,
        propensity_floor=settings.propensity_floor,
        name="ranking",
    )
    told = _told(_days(market, own, calls=len(settings.agents)), seed=seed, listener=listener)
    visits, answers = np.zeros((users, DAYS), np.bool_), list[float]()
    tally = _Tally()
    for day in told:
        visits[day.sessions.users, day.day] = True
        answers += day.answers.tolist() if day.day >= DAYS - _SURVEY_DAYS else []
        tally.add(day)
    lot = _Tally()
    for day in _days(market, None, calls=0):
        lot.add(day)
    cohort, came_back, on_the_day = returns(visits)
    return WorldFigures(
        answers=tuple(answers),
        cohort=cohort,
        came_back=came_back,
        came_on_the_day=on_the_day,
        feeds=tally.feeds,
        relevance=tally.relevance,
        random_relevance=lot.relevance,
        share_of_best=tally.rewards / tally.best_rewards if tally.best_rewards else 0.0,
    )


def returns(visits: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]") -> tuple[int, int, int]:
    """Return how many readers came early enough, came again in the week after 30 days, and on the 30th day itself.

    Args:
        visits: shape (u, d), whether each reader came on each day.

    >>> visits = np.zeros((3, 67), bool)
    >>> visits[0, [0, 30]] = visits[1, [29, 65]] = visits[2, [0, 37]] = True
    >>> returns(visits)
    (3, 2, 1)
    """
    users, days = visits.shape
    first = np.where(visits.any(axis=1), visits.argmax(axis=1), days)
    early = np.flatnonzero(first + RETENTION_DAYS + RETENTION_WINDOW_DAYS <= days)
    if not users or not len(early):
        return 0, 0, 0
    week = first[early, None] + RETENTION_DAYS + np.arange(RETENTION_WINDOW_DAYS)
    came = visits[early[:, None], week]
    return len(early), int(came.any(axis=1).sum()), int(came[:, 0].sum())


class _Tally:
    """Adds up what feeds showed."""

    def __init__(self) -> None:
        self.feeds, self._ndcg, self.rewards, self.best_rewards = 0, 0.0, 0.0, 0.0

    def add(self, day: SimulatedDay) -> None:
        """Add a day."""
        sessions = day.sessions
        self.feeds += len(sessions.users)
        self._ndcg += float((sessions.gains / sessions.best_gains).sum())
        self.rewards += float(sessions.rewards.sum())
        self.best_rewards += float(sessions.best_rewards.sum())

    @property
    def relevance(self) -> float:
        """Return the mean over feeds; 0 of none."""
        return self._ndcg / self.feeds if self.feeds else 0.0


def _days(market: Market, own: Policy | None, *, calls: int) -> Iterator[SimulatedDay]:
    """Yield the days of a world in which everybody gets one policy: the one given, or feeds drawn by lot."""
    spaces = Spaces(market, generator=population_generator(market.seed, "trained space"))
    items = spaces.items(Space.WORDS)
    chooses = own or make_policy(
        "random", items=items, generator=population_generator(market.seed, "first weights")
    )
    treatment = Treatment(policy=chooses, items=items, agent_calls=calls)
    everybody = np.zeros(market.world.users, np.int64)
    return run_days(
        market, {"shipped": treatment}, everybody, plan=Plan(days=DAYS, with_oracle=own is not None)
    )


def _told(days: Iterator[SimulatedDay], *, seed: int, listener: Listener) -> Iterator[SimulatedDay]:
    import time

    subject, phase, began = f"world {seed}", "simulated days", time.monotonic()
    listener(PhaseStarted(subject=subject, phase=phase, total=DAYS, unit="days"))
    for day in days:
        listener(PhaseAdvanced(subject=subject, phase=phase, advance=1))
        yield day
    listener(PhaseFinished(subject=subject, phase=phase, duration_seconds=time.monotonic() - began))
