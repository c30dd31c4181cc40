"""What does a drill come to: held, deviated, inconclusive or residue, and the reasons, each with figure and limit."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from opsctl.core.exit_codes import ExitCode


class Outcome(StrEnum):
    """What a drill shows."""

    HELD = "held"
    """All that was expected was seen."""
    DEVIATED = "deviated"
    """A weakness was found."""
    INCONCLUSIVE = "inconclusive"
    """It cannot be told; never a pass."""
    RESIDUE = "residue"
    """Something of the fault is still there."""


class Aspect(StrEnum):
    """What a reason is about."""

    UNDO = "undo"
    MEASUREMENT = "measurement"
    GUARD = "guard"
    AVAILABILITY = "availability"
    EMPTY_FEEDS = "empty feeds"
    LATENCY = "latency"
    TIER = "tier"
    STALE = "stale answers"
    ATTEMPTS = "attempts"
    PROBE = "probes"
    ALERT = "alerts"
    COUNTERS = "counters"
    RECOVERY = "recovery"
    MITIGATION = "mitigation"
    RESTARTS = "restarts"
    BUDGET = "budget"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a drill did not hold, in plain words with figure and limit."""

    aspect: Aspect
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillVerdict:
    """What a drill shows.

    Args:
        reasons: why it is not held; there are none where it is.
        seen: of a control that went red as it must: why it did.
    """

    drill: str
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    seen: tuple[Reason, ...] = ()
    is_interrupted: bool = False


_WORST_FIRST = (Outcome.RESIDUE, Outcome.DEVIATED, Outcome.INCONCLUSIVE)

_EXIT_CODES = {
    Outcome.HELD: ExitCode.GOOD,
    Outcome.DEVIATED: ExitCode.BAD_VERDICT,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Outcome.RESIDUE: ExitCode.RESIDUE,
}


def worst(outcomes: Collection[Outcome]) -> Outcome:
    """Return what many outcomes are together; none at all cannot tell."""
    if not outcomes:
        return Outcome.INCONCLUSIVE
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.HELD)


def exit_code(verdicts: Collection[DrillVerdict]) -> ExitCode:
    """Return how a command ends that held these drills; Ctrl-C tells more than what it left open, residue more still."""
    outcome = worst([verdict.outcome for verdict in verdicts])
    if outcome is not Outcome.RESIDUE and any(verdict.is_interrupted for verdict in verdicts):
        return ExitCode.INTERRUPTED
    return _EXIT_CODES[outcome]
