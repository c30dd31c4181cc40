"""When does which policy learn what: slates wait until it is settled what came of them, and teach their own arm alone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Feedback, Flags, Floats, Ids
from opsctl.experiments.simulator.noise import Noise
from opsctl.experiments.simulator.treatment import Treatment
from opsctl.experiments.simulator.world_book import Reward, World

SLATES_AT_ONCE = 4096
"""Most slates in one call of `learn`, so that memory stays bounded whatever the number of readers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Slates that one policy may learn from.

    Args:
        sessions: shape (s,), numbers of the sessions within the run.
        users: shape (s,).
        user_vectors: shape (s, d), in the policy's own space.
        user_groups: shape (s,).
        slates: shape (s, m).
        propensities: shape (s, m).
        clicks: shape (s, m).
    """

    sessions: Ids
    users: Ids
    user_vectors: Floats
    user_groups: Ids
    slates: Ids
    propensities: Floats
    clicks: Flags


class School:
    """What waits to be learned, day by day and learner by learner."""

    def __init__(self, world: World, *, learners: Mapping[str, Treatment], noise: Noise) -> None:
        self._world = world
        self._learners = learners
        self._noise = noise
        self._waiting: defaultdict[int, defaultdict[str, list[Shown]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._paid: dict[int, Ids] = {}

    def note(self, learner: str, shown: Shown, *, day: int) -> None:
        """Keep slates of a day for one learner."""
        self._waiting[day][learner].append(shown)

    def note_paid(self, impressions: Ids, *, day: int) -> None:
        """Keep which impressions brought an accepted inquiry that arrived on this day."""
        self._paid[day] = impressions

    def teach(self, *, day: int) -> None:
        """Let all learners learn what is settled at the end of a day."""
        settled = day - self._world.feedback_days + 1
        paid = np.concatenate([*self._paid.values(), np.zeros(0, np.int64)])
        self._paid = {when: each for when, each in self._paid.items() if when > settled}
        for learner, parts in self._waiting.pop(settled, {}).items():
            for number, shown in enumerate(_in_batches(parts)):
                if not len(shown.users):
                    continue  # nobody came: there is nothing to learn
                self._learners[learner].policy.learn(
                    self._feedback(shown, learner=learner, paid=paid),
                    generator=self._noise.generator(name=f"{learner}/learn", day=day, slot=0, batch=number),
                )

    def _feedback(self, shown: Shown, *, learner: str, paid: Ids) -> Feedback:
        count, size = shown.slates.shape
        rewards = shown.clicks
        if self._world.reward is Reward.INQUIRY:
            rewards = np.isin(impressions_of(shown.sessions, size=size), paid)
        return Feedback(
            users=np.repeat(shown.users, size),
            user_vectors=np.repeat(shown.user_vectors, size, axis=0),
            user_groups=np.repeat(shown.user_groups, size),
            items=shown.slates.ravel(),
            positions=np.tile(np.arange(size), count),
            rewards=rewards.ravel().astype(np.float64),
            propensities=shown.propensities.ravel(),
            all_items=self._learners[learner].items,
        )


def impressions_of(sessions: Ids, *, size: int) -> Ids:
    """Return the number of each impression of these sessions, shape (s, size)."""
    return sessions[:, None] * size + np.arange(size)


def _in_batches(parts: Sequence[Shown]) -> Iterator[Shown]:
    """Yield what was shown, in order, at most so many slates at once."""
    waiting: list[Shown] = []
    for part in parts:
        if waiting and sum(len(each.users) for each in [*waiting, part]) > SLATES_AT_ONCE:
            yield _joined(waiting)
            waiting = []
        waiting.append(part)
    if waiting:
        yield _joined(waiting)


def _joined(parts: Sequence[Shown]) -> Shown:
    return Shown(
        sessions=np.concatenate([part.sessions for part in parts]),
        users=np.concatenate([part.users for part in parts]),
        user_vectors=np.concatenate([part.user_vectors for part in parts]),
        user_groups=np.concatenate([part.user_groups for part in parts]),
        slates=np.concatenate([part.slates for part in parts]),
        propensities=np.concatenate([part.propensities for part in parts]),
        clicks=np.concatenate([part.clicks for part in parts]),
    )
