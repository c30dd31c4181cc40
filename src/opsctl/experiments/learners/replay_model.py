"""What comes of a replay: how policies did on a log, by which method, and how far that can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from opsctl.experiments.learners.off_policy import Estimate
from opsctl.experiments.learners.policies import POLICIES
from opsctl.experiments.learners.replay_columns import LogKind

ENOUGH = 100.0
"""Effective rows below which nothing is said of a policy."""
ENOUGH_REWARDED = 30.0
"""Effective rows with a reward below which its interval, which is normal, would be make-believe: with weights of up to 178 and some
ten clicks, that of the random policy from the Open Bandit log of Thompson sampling misses what was measured."""


class Method(StrEnum):
    """How a log stands in for readers."""

    REJECTION = "rejection"
    """A row counts if the policy chooses what was logged, and only then does it learn from it (Li et al., arXiv 1003.5956)."""
    WEIGHTS = "weights"
    """Every row counts by how much more probably the policy chooses it than the log did; it learns from all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How a log is replayed.

    Args:
        policies: their names.
        method: None takes weights where propensities were logged, else rejection.
        candidates: items a feed, the logged one among them; a bandit's log offers all of its items.
        block: rows after which policies learn; until then what they would have learned is pending.
        early: share of the rows from which vectors are made, and that are not replayed.
        clip: greatest weight of the clipped estimates.
        seed: of all chance.
    """

    policies: tuple[str, ...] = POLICIES
    method: Method | None = None
    candidates: int = 10
    block: int = 500
    early: float = 0.2
    clip: float = 10.0
    seed: int = 1


def is_enough(effective: float, rewarded: float) -> bool:
    """Tell whether something can be said of a policy for which so many rows speak."""
    return effective >= ENOUGH and rewarded >= ENOUGH_REWARDED


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """How a policy stood after so many rows.

    Args:
        rows: replayed so far.
        used: rows that counted so far: accepted ones, or all.
        reward: mean reward so far; NaN before there is any.
        regret: what the best policy here would have earned more so far, at its final mean, on as many rows.
    """

    rows: int
    used: float
    reward: float
    regret: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReplay:
    """How a policy did.

    Args:
        policy: its name.
        used: rows that counted.
        effective: rows of the policy itself that would say as much: accepted ones, or effective samples of the weights.
        rewarded: of these, such as had a reward; (sum w r)^2 / sum (w r)^2.
        value: mean reward: of accepted rows, or by SNIPS.
        low: of its 95 % interval; NaN where there is not enough for one.
        high: of it.
        estimates: IPS, SNIPS, DM, DR and clipped ones by name; none for rejection.
        curve: reward and regret on the way, about 40 points.
        milliseconds_a_row: mean time of a choice; of the probabilities of all choices, for weights.
        state_bytes: size of what it learned.
    """

    policy: str
    used: int
    effective: float
    rewarded: float
    value: float
    low: float
    high: float
    estimates: Mapping[str, Estimate]
    curve: tuple[CurvePoint, ...]
    milliseconds_a_row: float
    state_bytes: int

    @property
    def is_enough(self) -> bool:
        """Tell whether enough rows speak for the policy to say something of it."""
        return is_enough(self.effective, self.rewarded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A real log, replayed.

    Args:
        kind: of the log.
        method: by which it was replayed.
        rows: replayed, without those of which vectors were made.
        rows_in_file: all that were read.
        items: how many.
        logged_value: mean reward of the log itself over the replayed rows.
        policies: how each did, in the order in which they were asked for.
        notes: what must be known to read the figures.
    """

    kind: LogKind
    method: Method
    rows: int
    rows_in_file: int
    items: int
    logged_value: float
    policies: tuple[PolicyReplay, ...]
    notes: tuple[str, ...]

    @property
    def is_conclusive(self) -> bool:
        """Tell whether enough rows speak for every policy."""
        return all(each.is_enough for each in self.policies)
