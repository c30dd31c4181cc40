"""Was any arm's learner taught by another arm's readers: every row of feedback counted, reader by reader."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from opsctl.experiments.learners.model import Contexts, Feedback, Ids, Policy, Slates
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.treatment import Treatment


class WatchedPolicy:
    """A policy whose feedback is counted by reader (`learners.model.Policy`)."""

    def __init__(self, policy: Policy, *, users: int) -> None:
        self._policy = policy
        self.taught = np.zeros(users, np.int64)

    @property
    def name(self) -> str:
        """Return the name of the policy."""
        return self._policy.name

    @property
    def state_bytes(self) -> int:
        """Return the size of what it has learned."""
        return self._policy.state_bytes

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Return the policy's slates."""
        return self._policy.choose(
            contexts, size=size, generator=generator, with_propensities=with_propensities
        )

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Count the rows, and learn."""
        np.add.at(self.taught, feedback.users, 1)
        self._policy.learn(feedback, generator=generator)


class Watch:
    """Counts by whom each arm was taught, beside how often each reader was shown anything before the start.

    Args:
        treatments: the arms, by name.
        assignment: the place of each reader's arm.
        teaches: whether the warm-up teaches all arms.
    """

    def __init__(self, treatments: Mapping[str, Treatment], assignment: Ids, *, teaches: bool) -> None:
        users = len(assignment)
        self._policies = {name: WatchedPolicy(each.policy, users=users) for name, each in treatments.items()}
        self.treatments = {
            name: replace(each, policy=self._policies[name]) for name, each in treatments.items()
        }
        self._assignment = assignment
        self._teaches = teaches
        self._before = np.zeros(users, np.int64)
        self._since = np.zeros(users, np.int64)

    def watch(self, days: Iterable[SimulatedDay]) -> Iterator[SimulatedDay]:
        """Yield the days, and count what readers were shown."""
        for day in days:
            shown = self._before if day.day < 0 else self._since
            np.add.at(shown, day.sessions.users, day.sessions.slates.shape[1])
            yield day

    @property
    def leaks(self) -> tuple[str, ...]:
        """Return the arms that were taught more than they may have been, once the days are over.

        By its own readers at most what they were shown; by all others at most what they were shown before the start, and
        nothing at all where the warm-up does not teach.
        """
        found = []
        before = self._before if self._teaches else np.zeros_like(self._before)
        for place, (name, policy) in enumerate(self._policies.items()):
            own = self._assignment == place
            allowed = before + np.where(own, self._since, 0)
            over = int((policy.taught > allowed).sum())
            if over:
                found.append(
                    f"the learner of `{name}` was taught by {over:,} readers more than it may have been"
                )
        return tuple(found)
