"""How is it measured what a feed uses: the same readers ask the same feeds, with caches and batches and without."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from opsctl.core.clock import Clock
from opsctl.core.events import Listener
from opsctl.core.phases import told_phase
from opsctl.costs.measured import SUBJECT, Arm, ArmResult, Measurement, Standing
from opsctl.costs.reading import Counters

_CACHELESS = frozenset({Arm.NEITHER, Arm.BATCHES})
_LEAST_MADE = 0.99
_MOST_DEGRADED = 0.01
_REPEATED_READERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of some feeds that were asked for."""

    answered: int
    errors: int
    body_bytes: int


class Ground(Protocol):
    """A service of our own, whose books can be changed."""

    def arrange(self, arm: Arm) -> None:
        """Run the service like this, with nothing cached."""
        ...

    def ask(self, users: Sequence[int]) -> Answers:
        """Ask for a feed of each, a few at once, and wait for all of them."""
        ...

    def read(self) -> Counters:
        """Return the counters of this moment."""
        ...

    def standing(self) -> Standing:
        """Return sizes, series and what embedding takes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurePlan:
    """How much is asked.

    Args:
        feeds: of each arm.
        readers: among whom they are drawn, the first the most often (Zipf, exponent 1).
        warm_up: feeds of other readers before each arm that count for nothing.
        cached_feeds: of the arm that asks for the same feeds again and again.
        seed: decides who asks.
    """

    feeds: int = 300
    readers: int = 300
    warm_up: int = 20
    cached_feeds: int = 3000
    seed: int = 7

    @property
    def subject(self) -> str:
        """Return what a measurement of this plan is of: the project, or the project asked otherwise than usual."""
        usual = self == MeasurePlan()
        return SUBJECT if usual else f"{SUBJECT}, {self.feeds} feeds of {self.readers} readers"

    def users(self, arm: Arm) -> list[int]:
        """Return who asks, in order: the same in each arm but the one of cached feeds."""
        if arm is Arm.CACHED:
            return [1 + number % _REPEATED_READERS for number in range(self.cached_feeds)]
        weights = list(accumulate(1 / rank for rank in range(1, self.readers + 1)))
        chosen = random.Random(self.seed)  # noqa: S311 - a seed, not a secret
        return chosen.choices(range(1, self.readers + 1), cum_weights=weights, k=self.feeds)

    def warming(self, arm: Arm) -> list[int]:
        """Return who asks before: readers who do not come again, and each of those whose feeds are to be cached."""
        strangers = [self.readers + number for number in range(1, self.warm_up + 1)]
        return strangers + (list(range(1, _REPEATED_READERS + 1)) if arm is Arm.CACHED else [])


def measure(plan: MeasurePlan, *, ground: Ground, clock: Clock, listener: Listener) -> Measurement:
    """Return what each arm used, and what may be wrong with that."""
    began = clock.monotonic()
    arms = {}
    for arm in Arm:
        with told_phase("costs", arm.value, listener=listener, clock=clock):
            arms[arm] = _measured(arm, plan, ground=ground)
    standing = ground.standing()
    return Measurement(
        arms=arms,
        standing=standing,
        problems=tuple(problems_of(arms)),
        seconds=clock.monotonic() - began,
    )


def _measured(arm: Arm, plan: MeasurePlan, *, ground: Ground) -> ArmResult:
    ground.arrange(arm)
    ground.ask(plan.warming(arm))
    before = ground.read()
    answers = ground.ask(plan.users(arm))
    grown = ground.read().since(before)
    each = answers.body_bytes / answers.answered if answers.answered else None
    return ArmResult(arm=arm, grown=grown, errors=answers.errors, answer_bytes=each)


def problems_of(arms: dict[Arm, ArmResult]) -> Iterator[str]:
    """Yield why a measurement says nothing."""
    for arm, result in arms.items():
        for problem in (*_of_answers(arm, result), *_of_counters(arm, result.grown)):
            yield f"{arm}: {problem}"


def _of_answers(arm: Arm, result: ArmResult) -> Iterator[str]:
    """Yield what is wrong with the feeds of an arm."""
    grown = result.grown
    if result.errors:
        yield f"{result.errors} feeds were not answered"
    if grown.degraded > _MOST_DEGRADED * grown.feeds:
        yield f"{grown.degraded:.0f} of {grown.feeds:.0f} feeds were of a lower tier"
    if arm in _CACHELESS and grown.made < _LEAST_MADE * grown.feeds:
        yield f"{grown.feeds - grown.made:.0f} feeds came from a cache that was to be off"
    if arm is Arm.CACHED and grown.made > (1 - _LEAST_MADE) * grown.feeds:
        yield f"{grown.made:.0f} feeds were made that were to be cached"


def _of_counters(arm: Arm, grown: Counters) -> Iterator[str]:
    """Yield what is wrong with what was counted."""
    if not grown.feeds:
        yield "the service's counters did not move"
        return
    if arm is not Arm.CACHED and not grown.scored:
        yield "the model was asked for nothing"
    if grown.made and not grown.log_bytes:
        yield f"{grown.made:.0f} feeds were made and left no line in the log"
    if back := [part for part, seconds in grown.cpu_seconds.items() if seconds < 0]:
        yield f"the CPU time of {', '.join(back)} went back"
    if not grown.cpu_seconds:
        yield "nobody tells how much CPU the processes used"
