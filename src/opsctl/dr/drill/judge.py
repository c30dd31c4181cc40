"""Did it come back: the objectives that were set before, against what the drill measured. A miss is a miss."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from opsctl.core.units import format_duration
from opsctl.dr.drill.conduct import CATALOGUE
from opsctl.dr.drill.losses import Loss
from opsctl.dr.drill.model import DrillRun, Stage

_LEAST_PER_SECOND = 20.0
"""Of the canary: idle writers lose nothing, and prove nothing."""
_TOLERANCE = 0.9  # the pace of a sender on a busy machine


class Outcome(StrEnum):
    """What a drill concludes."""

    PASSED = "passed"
    MISSED = "missed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What was set before the drill, in seconds; `detect_seconds` is None where no alert is awaited."""

    rpo_seconds: float
    rto_seconds: float
    detect_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillVerdict:
    """The conclusion, with a reason for each miss, and why nothing can be told where that is so."""

    outcome: Outcome
    reasons: tuple[str, ...]


def judge(run: DrillRun, goals: Goals) -> DrillVerdict:
    """Return what the drill says."""
    unclear = tuple(_unclear(run))
    if unclear:
        return DrillVerdict(outcome=Outcome.INCONCLUSIVE, reasons=unclear)
    missed = tuple(_missed(run, goals))
    return DrillVerdict(outcome=Outcome.MISSED if missed else Outcome.PASSED, reasons=missed)


def _unclear(run: DrillRun) -> Iterator[str]:
    yield from run.errors
    if run.is_interrupted:
        yield "it was interrupted"
    if run.destroyed_at is None:
        yield "nothing was destroyed"
        return
    if run.rto_seconds is not None and not run.losses:
        yield "nobody counted the rows"
    for stream, rate in run.acknowledged_per_second.items():
        if rate < _LEAST_PER_SECOND * _TOLERANCE:
            yield (
                f"only {rate:.1f} rows a second of `{stream}` were acknowledged before the destruction, "
                f"{_LEAST_PER_SECOND:.0f} are to be"
            )


def _missed(run: DrillRun, goals: Goals) -> Iterator[str]:
    yield from _missed_recovery(run, goals)
    for loss in run.losses:
        yield from _missed_old(loss)
        if loss.rpo_seconds > goals.rpo_seconds:
            yield (
                f"{loss.lost:,} acknowledged rows of `{loss.stream}` are lost, {format_duration(loss.rpo_seconds)} of "
                f"work; allowed are {format_duration(goals.rpo_seconds)}"
            )
        if loss.holes:
            yield f"{loss.holes:,} rows of `{loss.stream}` are missing between others that are there"
        if loss.phantoms:
            yield f"{loss.phantoms:,} rows of `{loss.stream}` are there though nobody sent them"
    if run.divergence:
        yield f"{run.divergence:,} rows are in one store and not in the other"


def _missed_old(loss: Loss) -> Iterator[str]:
    """Tell of rows that are lost though they were there long before; the time that a canary writes says less than that."""
    if loss.stream == CATALOGUE and loss.lost:
        yield f"{loss.lost:,} items that were there long before the drill are lost, or changed"
    elif loss.acknowledged and loss.lost == loss.acknowledged:
        yield f"nothing of `{loss.stream}` came back, so what was lost began before the drill did"


def _missed_recovery(run: DrillRun, goals: Goals) -> Iterator[str]:
    seconds = {each.stage: each.seconds for each in run.stages}
    failed = [each for each in run.commands if each.exit_code]
    for command in failed:
        yield f"`{command.command}` ended with {command.exit_code}: {command.tail.strip()[-300:] or 'it said nothing'}"
    if Stage.DETECTED not in seconds:
        yield "no alert told of it"
    elif goals.detect_seconds is not None and seconds[Stage.DETECTED] > goals.detect_seconds:
        yield (
            f"the alert came after {format_duration(seconds[Stage.DETECTED])}, allowed are "
            f"{format_duration(goals.detect_seconds)}"
        )
    if run.rto_seconds is None:
        if not failed:
            yield "the service level was not met again"
    elif run.rto_seconds > goals.rto_seconds:
        yield (
            f"it took {format_duration(run.rto_seconds)} to come back, allowed are {format_duration(goals.rto_seconds)}"
        )
