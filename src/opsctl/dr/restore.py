"""How does everything come back to one agreed point: the truth first, then the vectors brought level with it, aliases last.

It happens beside the target, which is not touched before all of it is proven; whatever goes wrong leaves the target as it was.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from opsctl.core.clock import Clock
from opsctl.core.events import Listener
from opsctl.core.findings import Finding
from opsctl.core.phases import told_phase

Result = TypeVar("Result")


class Step(StrEnum):
    """What a restore does, in this order."""

    DATABASE = "database"
    """PostgreSQL fetched, combined, verified, and recovered to the point."""
    START = "start"
    """Both stores up, beside the target, where only we can reach them."""
    SNAPSHOTS = "snapshots"
    """Collections put back, or built anew from the truth."""
    REPLAY = "replay"
    """The outbox applied from each snapshot's place to the point; what the point does not know removed."""
    DERIVED = "derived"
    """Derived collections brought level with their source."""
    ALIASES = "aliases"
    """Aliases moved, all at once."""
    PROOF = "proof"
    """Divergence of both stores, golden queries, structure of the database."""
    HAND_OVER = "hand over"
    """Put where it belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where PostgreSQL is after its recovery."""

    lsn: str
    at: datetime | None
    timeline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One step that was done, its time, and figures worth showing."""

    step: Step
    seconds: float
    figures: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What a restore did; `doubts` are what is not as it must be: empty means proven."""

    backup_id: str
    target: str
    point: Point | None
    steps: tuple[Done, ...]
    doubts: tuple[Finding, ...]

    @property
    def is_proven(self) -> bool:
        """Tell whether nothing speaks against what came back."""
        return not self.doubts

    @property
    def seconds(self) -> float:
        """Return how long all of it took."""
        return sum(done.seconds for done in self.steps)


@dataclass(slots=True)
class Outcome:
    """What one step brings: figures, and doubts where something is not as it must be."""

    figures: dict[str, str | int | float] = field(default_factory=dict)
    doubts: list[Finding] = field(default_factory=list)


class Site(Protocol):
    """Where a restore takes place: a stack of its own beside the target."""

    def database(self) -> Point:
        """Bring PostgreSQL to the point, stopped again, as data that the stack can start."""
        ...

    def start(self) -> None:
        """Start both stores on what is there."""
        ...

    def snapshots(self) -> Outcome:
        """Put the collections back, and compare them with what their manifest says."""
        ...

    def replay(self) -> Outcome:
        """Bring the source collection to the truth."""
        ...

    def derived(self) -> Outcome:
        """Bring the derived collections to their source."""
        ...

    def aliases(self) -> Outcome:
        """Move the aliases."""
        ...

    def proof(self) -> Outcome:
        """Look at both stores for anything that is not as it must be."""
        ...

    def hand_over(self) -> Outcome:
        """Put what was restored in the place of the target; the last thing, and the first that touches it."""
        ...

    def abandon(self) -> None:
        """End what runs and remove what was made; the target is as it was."""
        ...


def restore(
    site: Site, *, backup_id: str, target: str, clock: Clock, listener: Listener, skip: Sequence[Step] = ()
) -> RestoreReport:
    """Bring everything back and prove it; it is handed over only where nothing speaks against it.

    Raises:
        OpsError: whatever a step raises; the site is abandoned then, and the target as it was.
    """
    run = _Run(clock=clock, listener=listener)
    try:
        point = None
        if Step.DATABASE not in skip:
            with run.step(Step.DATABASE) as outcome:
                point = site.database()
                outcome.figures |= {"lsn": point.lsn, "timeline": point.timeline}
        with run.step(Step.START):
            site.start()
        work: tuple[tuple[Step, Callable[[], Outcome]], ...] = (
            (Step.SNAPSHOTS, site.snapshots),
            (Step.REPLAY, site.replay),
            (Step.DERIVED, site.derived),
            (Step.ALIASES, site.aliases),
            (Step.PROOF, site.proof),
        )
        for step, do in work:
            if step not in skip:
                run.take(step, do)
        if not run.doubts and Step.HAND_OVER not in skip:
            run.take(Step.HAND_OVER, site.hand_over)
    except BaseException:
        site.abandon()
        raise
    if run.doubts:
        site.abandon()
    return RestoreReport(
        backup_id=backup_id, target=target, point=point, steps=tuple(run.done), doubts=tuple(run.doubts)
    )


class _Run:
    """What was done so far."""

    def __init__(self, *, clock: Clock, listener: Listener) -> None:
        self._clock = clock
        self._listener = listener
        self.done: list[Done] = []
        self.doubts: list[Finding] = []

    def take(self, step: Step, do: Callable[[], Outcome]) -> None:
        """Do a step that has something to tell."""
        with self.step(step) as outcome:
            told = do()
            outcome.figures |= told.figures
            outcome.doubts += told.doubts

    @contextmanager
    def step(self, step: Step) -> Iterator[Outcome]:
        """Measure a step and tell of it."""
        outcome = Outcome()
        with told_phase("restore", step, listener=self._listener, clock=self._clock) as under_way:
            yield outcome
            under_way.figures |= outcome.figures
            seconds = under_way.seconds
        self.done.append(Done(step=step, seconds=seconds, figures=outcome.figures))
        self.doubts += outcome.doubts
