"""Has every arm's learner learned from its own events, from all of them, once each, and from nobody else's?

Guo et al. (arXiv 2304.02572): a bandit that learns from the data of both arms makes the arms alike, and the test blind.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from opsctl.core.errors import FailedError, UsageError
from opsctl.experiments.learners.model import Contexts, Feedback, Ids, Policy, Slates


class LeakError(FailedError):
    """Arms are not isolated from each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """Feedback with the arm whose slates brought it.

    Args:
        arm: the one that was shown.
        events: shape (k,), the id of each row, unique over all arms; such as the number of the impression.
        feedback: what came of them.
    """

    arm: str
    events: Ids
    feedback: Feedback


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTraining:
    """What taught one arm.

    Args:
        arm: its name.
        events: how many taught it.
        digest: SHA-256 of their ids in ascending order, as 64 bit little-endian numbers.
    """

    arm: str
    events: int
    digest: str


class IsolatedLearner:
    """The learner of one arm: it takes feedback of its own arm alone, and writes down by which events it was taught.

    The log grows by 8 bytes an event.
    """

    def __init__(self, policy: Policy, *, arm: str) -> None:
        self._policy = policy
        self.arm = arm
        self._taught: list[Ids] = []

    @property
    def name(self) -> str:
        """Return the name of the policy."""
        return self._policy.name

    @property
    def policy(self) -> Policy:
        """Return what is inside."""
        return self._policy

    @property
    def state_bytes(self) -> int:
        """Return the size of all that it has learned, without the log of events."""
        return self._policy.state_bytes

    @property
    def taught_by(self) -> Ids:
        """Return the ids of all events by which it was taught, in the order of teaching."""
        return np.concatenate([np.zeros(0, np.int64), *self._taught])

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

    def learn(self, stamped: Stamped, *, generator: np.random.Generator) -> None:
        """Learn from feedback of this arm.

        Raises:
            LeakError: EXP104 it is another arm's.
            UsageError: EXP102 there is not one id for each row.
        """
        if stamped.arm != self.arm:
            raise LeakError(
                f"feedback of arm `{stamped.arm}` was given to the learner of arm `{self.arm}`",
                code="EXP104",
                why="each arm learns from what its own slates brought, or the arms grow alike",
                fix="send each batch to the arm that it is stamped with; nothing was learned from this one",
            )
        if stamped.events.shape != stamped.feedback.rewards.shape:
            raise UsageError(
                f"{len(stamped.feedback.rewards)} rows of feedback have {len(stamped.events)} ids",
                code="EXP102",
                fix="give one id for each row",
            )
        self._policy.learn(stamped.feedback, generator=generator)
        self._taught.append(stamped.events.astype(np.int64))


def require_separate(learners: Mapping[str, Policy | IsolatedLearner]) -> None:
    """Refuse arms that hold one learner together.

    Raises:
        LeakError: EXP105.
    """
    owners: dict[int, str] = {}
    for arm, learner in learners.items():
        inside = learner.policy if isinstance(learner, IsolatedLearner) else learner
        other = owners.setdefault(id(inside), arm)
        if other != arm:
            raise LeakError(
                f"arms `{other}` and `{arm}` share one learner",
                code="EXP105",
                fix="make a policy for each arm: make_policy(...)",
            )


def check_isolation(
    *, settled: Mapping[str, Ids], taught: Mapping[str, Ids], allowed: Ids | None = None
) -> tuple[ArmTraining, ...]:
    """Return what taught each arm, once it is sure that every arm learned from its own settled events and from no other.

    Args:
        settled: for each arm, the ids of events that its slates brought and whose outcome is known.
        taught: for each arm, the ids of events by which its learner was taught (`IsolatedLearner.taught_by`).
        allowed: ids of events that may teach all arms, such as those of a warm-up before the start; they need not.

    Raises:
        LeakError: EXP104, with all that was found.
    """
    common = np.unique(allowed) if allowed is not None else np.zeros(0, np.int64)
    wrong = [complaint for arm in taught for complaint in _complaints(arm, settled, taught[arm], common)]
    wrong += [f"arm `{arm}` has events, but no learner" for arm in settled if arm not in taught]
    if wrong:
        raise LeakError(
            "the arms' learners are not isolated",
            code="EXP104",
            why="; ".join(wrong),
            fix="teach each arm every settled event of its own once, and run the experiment anew",
        )
    return tuple(_training(arm, events) for arm, events in taught.items())


def _complaints(arm: str, settled: Mapping[str, Ids], taught: Ids, common: Ids) -> list[str]:
    own = settled.get(arm, np.zeros(0, np.int64))
    known = np.setdiff1d(taught, common)
    found = []
    for other, events in settled.items():
        leaked = np.intersect1d(known, np.setdiff1d(events, own)) if other != arm else np.zeros(0, np.int64)
        if len(leaked):
            found.append(f"{_count(leaked)} of arm `{other}` taught arm `{arm}`")
    elsewhere = np.setdiff1d(known, np.concatenate([own, *settled.values()]))
    repeated = len(taught) - len(np.unique(taught))
    parts = (
        (elsewhere, f"of nobody's taught arm `{arm}`"),
        (np.setdiff1d(own, taught), f"of arm `{arm}` never taught it"),
    )
    found += [f"{_count(events)} {what}" for events, what in parts if len(events)]
    if repeated:
        found.append(f"arm `{arm}` learned {repeated} times from an event that it knew")
    return found


def _count(events: Ids) -> str:
    """Return how many, with the first of them."""
    return f"{len(events):,} {'event' if len(events) == 1 else 'events'} (such as {int(events[0])})"


def _training(arm: str, events: Ids) -> ArmTraining:
    digest = hashlib.sha256(np.sort(events).astype("<i8").tobytes()).hexdigest()
    return ArmTraining(arm=arm, events=len(events), digest=digest)
