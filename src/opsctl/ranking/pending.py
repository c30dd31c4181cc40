"""Which logged plays are rewarded, which failed, which are still open: delayed rewards, each counted once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a play."""

    PENDING = "pending"
    """The window is open and nothing good has happened yet."""
    SUCCESS = "success"
    FAILURE = "failure"
    """The window closed without a reward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A feed in which an arm explored.

    Args:
        decision_id: its key in the log.
        arm: the arm that was played.
        at_seconds: when, on any clock that rewards share.
        outcome: what the arms have been told of it so far.
    """

    decision_id: str
    arm: str
    at_seconds: float
    outcome: Outcome = Outcome.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """Something good that a reader did with an explored item; several of one decision count once."""

    decision_id: str
    at_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What is to be told to the arms (`thompson.update_arms`), and what to write back.

    Args:
        successes: plays by arm that turned from pending to rewarded.
        failures: plays by arm whose window closed without a reward.
        late: plays by arm that were told as failures; their reward happened in time but arrived late.
        changed: outcome to store, by decision id; settling stored outcomes again changes nothing.
        pending: ids of the plays that stay open.
    """

    successes: Mapping[str, int]
    failures: Mapping[str, int]
    late: Mapping[str, int]
    changed: Mapping[str, Outcome]
    pending: tuple[str, ...]


def settle(
    plays: Sequence[Play], rewards: Iterable[Reward], *, now_seconds: float, window_seconds: float
) -> Settlement:
    """Settle plays; a reward counts when it happened from the play to `window_seconds` after it, both included.

    A rewarded play is settled at once, an unrewarded one only when its window has closed: an impression that is
    counted as a failure while it can still succeed would make every new arm look bad. However the plays are settled,
    in one go or in many, the sums are the same as if all had been known at once.

    Raises:
        ValueError: a decision stands twice among the plays.
    """
    by_id = {play.decision_id: play for play in plays}
    if len(by_id) != len(plays):
        raise ValueError("a decision stands twice among the plays")
    rewarded = {
        reward.decision_id
        for reward in rewards
        if (play := by_id.get(reward.decision_id)) is not None
        and 0 <= reward.at_seconds - play.at_seconds <= window_seconds
    }
    successes: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    late: Counter[str] = Counter()
    changed: dict[str, Outcome] = {}
    pending: list[str] = []
    for play in plays:
        outcome = _outcome(
            play, rewarded=play.decision_id in rewarded, closed=now_seconds - play.at_seconds > window_seconds
        )
        if outcome is Outcome.PENDING:
            pending.append(play.decision_id)
        elif outcome is not play.outcome:
            changed[play.decision_id] = outcome
            told = (
                late
                if play.outcome is Outcome.FAILURE
                else successes
                if outcome is Outcome.SUCCESS
                else failures
            )
            told[play.arm] += 1
    return Settlement(
        successes=successes, failures=failures, late=late, changed=changed, pending=tuple(pending)
    )


def _outcome(play: Play, *, rewarded: bool, closed: bool) -> Outcome:
    if rewarded or play.outcome is Outcome.SUCCESS:
        return Outcome.SUCCESS
    if closed or play.outcome is Outcome.FAILURE:
        return Outcome.FAILURE
    return Outcome.PENDING
