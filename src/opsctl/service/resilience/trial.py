"""May a dependency that failed be trusted again, judged by the few calls that are let through to it."""

import math
from enum import StrEnum

_ROUNDING = 1e-9  # 0.28 * 25 is 7.000000000000001, and seven of 25 are enough


class Verdict(StrEnum):
    """What a trial has shown so far."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"


class Trial:
    """A bounded number of permits, taken and answered once each.

    Args:
        permits: how many calls are let through, in all and not only at once.
        successes_share: the share of them that has to succeed.
    """

    __slots__ = ("_failures", "_permits", "_successes", "_successes_share", "left")

    def __init__(self, permits: int, *, successes_share: float) -> None:
        self._permits = permits
        self._successes_share = successes_share
        self._successes = 0
        self._failures = 0
        self.left = permits

    def take(self) -> bool:
        """Take a permit, or return False where none is left."""
        if not self.left:
            return False
        self.left -= 1
        return True

    def give_back(self) -> None:
        """Give back a permit whose call showed nothing."""
        self.left += 1

    def answer(self, *, succeeded: bool) -> None:
        """Count what a permit's call showed."""
        if succeeded:
            self._successes += 1
        else:
            self._failures += 1

    def verdict(self) -> Verdict:
        """Judge as soon as the answers still missing cannot change the outcome."""
        needed = self._needed(self._permits)
        if self._successes >= needed:
            return Verdict.PASSED
        return Verdict.FAILED if self._failures > self._permits - needed else Verdict.OPEN

    def verdict_at_end(self) -> Verdict:
        """Judge when the time is up: a permit without an answer is lost, one that nobody took shows nothing.

        Else a dependency that is seldom called could never take all permits in time, and would never be trusted again.
        """
        taken = self._permits - self.left
        if not taken:
            return Verdict.OPEN
        return Verdict.PASSED if self._successes >= self._needed(taken) else Verdict.FAILED

    def _needed(self, permits: int) -> int:
        return math.ceil(self._successes_share * permits - _ROUNDING)
