"""Which is the highest rate that meets the gates: stairs up, then bisection on a log scale, the edge confirmed."""

import math
from dataclasses import dataclass, field
from enum import StrEnum


class Answer(StrEnum):
    """What one step said about its rate."""

    PASSED = "passed"
    FAILED = "failed"
    UNSURE = "unsure"
    """The gates' intervals hold their limits; counts as half a failure, never as a pass."""
    INVALID = "invalid"
    """The sender or the surroundings were at fault: nothing is known of the service."""


class End(StrEnum):
    """Why a search came to its end."""

    FOUND = "found"
    SENDER = "sender"
    """The sender cannot send more: the capacity is at least what passed."""
    CEILING = "ceiling"
    """The highest rate allowed passed."""
    FLOOR = "floor"
    """Not even the lowest rate allowed passed: most of its steps failed."""
    UNSURE = "unsure"
    """The lowest rate allowed did not pass, but most of its steps could not tell."""
    STEPS = "steps"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """Where a search begins, and when it ends."""

    start: float = 200.0
    lowest: float = 1.0
    highest: float = 1_000_000.0
    growth: float = 2.0
    precision: float = 0.08
    """It ends when the lowest failed rate is at most this share above the highest passed one."""
    confirmations: int = 2
    """Further steps, at most, on either side of the edge; the majority decides."""
    most_steps: int = 40
    most_seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that was made."""

    rate: float
    answer: Answer
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a search found: the rate lies between `passed` and `failed`."""

    passed: float | None
    """The highest rate that passed with all lower ones; None when none did."""
    failed: float | None
    """The lowest that failed; None when none did."""
    sender_limit: float | None
    """The lowest rate that the sender could not send twice."""
    end: End
    is_monotone: bool
    """False when a higher rate passed than one that failed, even after both were repeated."""
    steps: tuple[Step, ...]

    @property
    def is_settled(self) -> bool:
        """Tell whether the capacity lies in a narrow interval, not only above something."""
        return self.end is End.FOUND


@dataclass(slots=True)
class _Rate:
    """All answers for one rate."""

    passed: int = 0
    failed: int = 0
    unsure: int = 0
    invalid: int = 0

    @property
    def against(self) -> float:
        return self.failed + self.unsure / 2

    @property
    def steps(self) -> float:
        return self.passed + self.against

    @property
    def is_passed(self) -> bool:
        return self.passed > self.against

    @property
    def is_failed(self) -> bool:
        return self.against >= self.passed and self.against > 0

    @property
    def is_shown_to_fail(self) -> bool:
        return self.failed > self.passed + self.unsure


@dataclass(slots=True)
class Search:
    """A search in progress: ask `next_rate`, make the step, `tell` its answer, until there is no next rate.

    Every rate is asked for once on the way; the two at the edge are repeated until the majority is clear, and a rate
    that loses its majority moves the edge. Where a higher rate passed than one that failed, the lower one is repeated
    too: a moment's disturbance must not halve the capacity, nor a lucky step raise it.
    """

    plan: SearchPlan = field(default_factory=SearchPlan)
    _rates: dict[float, _Rate] = field(default_factory=dict)
    _steps: list[Step] = field(default_factory=list)
    _seconds: float = 0.0
    _end: End | None = None

    def next_rate(self) -> float | None:
        """Return the rate of the next step, or None at the end."""
        if self._end is None:
            self._end, rate = self._decide()
            return rate
        return None

    def tell(self, rate: float, answer: Answer, *, seconds: float, why: str = "") -> None:
        """Take in what a step said, and how long it took."""
        seen = self._rates.setdefault(rate, _Rate())
        match answer:
            case Answer.PASSED:
                seen.passed += 1
            case Answer.FAILED:
                seen.failed += 1
            case Answer.UNSURE:
                seen.unsure += 1
            case Answer.INVALID:
                seen.invalid += 1
        self._steps.append(Step(rate=rate, answer=answer, why=why))
        self._seconds += seconds

    def result(self) -> Capacity:
        """Return what is known so far."""
        passed, failed = self._edge()
        return Capacity(
            passed=passed,
            failed=failed,
            sender_limit=self._sender_limit(),
            end=self._end or End.STEPS,
            is_monotone=not self._violations(),
            steps=tuple(self._steps),
        )

    def _decide(self) -> tuple[End | None, float | None]:
        if (end := self._used_up()) is not None:
            return end, None
        if (again := self._to_repeat()) is not None:
            return None, again
        passed, failed = self._edge()
        limit = self._sender_limit()
        bound = min((each for each in (failed, limit) if each is not None), default=None)
        if bound is None:
            return self._upward(passed)
        if passed is None:
            return self._downward(bound)
        if bound > passed * (1 + self.plan.precision):
            return None, _tidy(math.sqrt(passed * bound), between=(passed, bound))
        edge = self._to_confirm(passed, failed)
        end = End.FOUND if bound == failed else End.SENDER
        return (end, None) if edge is None else (None, edge)

    def _used_up(self) -> End | None:
        if len(self._steps) >= self.plan.most_steps:
            return End.STEPS
        next_seconds = self._seconds / len(self._steps) if self._steps else 0.0
        return End.TIME if self._seconds + next_seconds > self.plan.most_seconds else None

    def _upward(self, passed: float | None) -> tuple[End | None, float | None]:
        if passed is None:
            return None, min(max(self.plan.start, self.plan.lowest), self.plan.highest)
        if passed >= self.plan.highest:
            edge = self._to_confirm(passed, None)
            return (End.CEILING, None) if edge is None else (None, edge)
        return None, min(passed * self.plan.growth, self.plan.highest)

    def _downward(self, bound: float) -> tuple[End | None, float | None]:
        if bound > self.plan.lowest:
            return None, max(bound / self.plan.growth, self.plan.lowest)
        if bound == self._sender_limit():
            return End.SENDER, None
        if self._can_turn(bound):
            return None, bound
        return End.FLOOR if self._rates[bound].is_shown_to_fail else End.UNSURE, None

    def _to_repeat(self) -> float | None:
        """Return a rate whose steps so far say nothing, or contradict higher ones."""
        for rate, seen in self._rates.items():
            if not seen.steps and seen.invalid == 1:
                return rate
        for rate in self._violations():
            if self._rates[rate].steps < 1 + self.plan.confirmations:
                return rate
        return None

    def _to_confirm(self, passed: float, failed: float | None) -> float | None:
        """Return the side of the edge whose majority could still turn."""
        return next((rate for rate in (passed, failed) if rate is not None and self._can_turn(rate)), None)

    def _can_turn(self, rate: float) -> bool:
        """Tell whether further steps could turn a rate's majority; invalid repetitions are not repeated for ever."""
        seen = self._rates[rate]
        left = 1 + self.plan.confirmations - seen.steps
        return (
            left > 0 and abs(seen.passed - seen.against) <= left and seen.invalid <= self.plan.confirmations
        )

    def _edge(self) -> tuple[float | None, float | None]:
        """Return the highest rate that passed with all lower ones, and the lowest that failed."""
        failed = min((rate for rate, seen in self._rates.items() if seen.is_failed), default=None)
        below = [
            rate for rate, seen in self._rates.items() if seen.is_passed and (failed is None or rate < failed)
        ]
        return max(below, default=None), failed

    def _violations(self) -> list[float]:
        """Return rates that failed although a higher one passed."""
        highest = max((rate for rate, seen in self._rates.items() if seen.is_passed), default=0.0)
        return [rate for rate, seen in self._rates.items() if seen.is_failed and rate < highest]

    def _sender_limit(self) -> float | None:
        """Return the lowest rate of which only invalid steps exist, two at least."""
        return min(
            (rate for rate, seen in self._rates.items() if not seen.steps and seen.invalid > 1), default=None
        )


def _tidy(rate: float, *, between: tuple[float, float]) -> float:
    """Return a rate with three digits, as people write it, where that still lies inside the interval."""
    digits = 2 - math.floor(math.log10(rate))
    rounded = round(rate, digits)
    return rounded if between[0] < rounded < between[1] else rate
