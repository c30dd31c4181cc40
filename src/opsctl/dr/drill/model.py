"""What one drill of a loss saw, as values: stages with their times, what was really lost, and how readers fared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from opsctl.dr.drill.losses import Loss


class Stage(StrEnum):
    """The stages from the destruction to the service level, in this order; their times add up to the RTO."""

    DETECTED = "detected"
    """Until the alert reached a receiver, or somebody noticed."""
    DECLARED = "declared"
    """Until the first command of the runbook began."""
    RESTORED = "restored"
    """Until its last command was done: everything is back, and proven."""
    SERVING = "serving"
    """Until golden requests met the service level again, several in a row, under load and with cold caches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeen:
    """How long one stage took."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSeen:
    """A command of the runbook, as the drill ran it."""

    command: str
    seconds: float
    exit_code: int
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondSeen:
    """What readers got in one second of the drill; `second` counts from its start."""

    second: int
    good: int
    bad: int
    p99_seconds: float | None
    tiers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRun:
    """One drill; times in seconds since 1970, or since the destruction where they are called `seconds`.

    Args:
        scenario: name of the book.
        title: of the book.
        seed: that drew the moment.
        started_at: when the load was on.
        destroyed_at: when the destruction began.
        ended_at: when it was over.
        backup_id: of the backup from which it came back.
        stages: as far as they were reached; all four when it came back.
        commands: of the runbook.
        restore_steps: seconds of each step inside the restore.
        losses: of each stream, against the database.
        given_up: rows by stream that were acknowledged after the destruction and are gone, because the point to which
            one went back lies before them: what a mistake costs that is noticed late.
        divergence: rows that are in one store and not in the other, at the end.
        acknowledged_per_second: of the canary, before the destruction, by stream.
        points: what readers got, second by second.
        served_while_gone: part of the readers' requests that were answered from the destruction to the end of the restore.
        tiers_while_gone: fresh answers by tier in that time.
        misses_while_gone: requests that were not answered in that time, by status; `no answer` where there was none.
        errors: what went wrong with the drill itself: it says nothing then.
        is_interrupted: Ctrl-C.
    """

    scenario: str
    title: str
    seed: int
    started_at: float
    destroyed_at: float | None
    ended_at: float
    backup_id: str | None
    stages: tuple[StageSeen, ...]
    commands: tuple[CommandSeen, ...]
    restore_steps: Mapping[str, float]
    losses: tuple[Loss, ...]
    divergence: int
    acknowledged_per_second: Mapping[str, float]
    given_up: Mapping[str, int] = field(default_factory=dict)
    points: tuple[SecondSeen, ...] = ()
    served_while_gone: float | None = None
    tiers_while_gone: Mapping[str, int] = field(default_factory=dict)
    misses_while_gone: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    is_interrupted: bool = False

    @property
    def rto_seconds(self) -> float | None:
        """Return the time from the destruction to the service level; None where it did not come back."""
        is_back = any(each.stage is Stage.SERVING for each in self.stages)
        return sum(each.seconds for each in self.stages) if is_back else None

    @property
    def rpo_seconds(self) -> float:
        """Return the time whose acknowledged work was lost, of the worst stream."""
        return max((loss.rpo_seconds for loss in self.losses), default=0.0)
