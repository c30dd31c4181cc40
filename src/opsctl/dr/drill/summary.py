"""What do several drills come to: median and worst of what was lost and how long it took, of all of them, never the best."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from opsctl.dr.drill.book import Recovery
from opsctl.dr.drill.journal import Entry, Journal
from opsctl.dr.drill.judge import Goals, Outcome
from opsctl.dr.drill.model import DrillRun, Stage

_WORST_FIRST = (Outcome.MISSED, Outcome.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median and worst of `number` runs, in seconds; infinite where it never came, or was never known."""

    number: int
    median: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """Rows, all streams together; of several runs the most of each."""

    lost: int
    holes: int
    phantoms: int
    given_up: int
    divergence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the runs of one scenario come to.

    Runs that say nothing count in `outcomes` and nowhere else. One that did not come back counts as infinitely long,
    because leaving it out would make the others look better.

    Args:
        goals: of the last run.
        rpo: None where no run says anything.
        rto: as `rpo`.
        stages: as far as they say anything, each of all runs.
        toll: None where no run got as far as counting rows.
    """

    scenario: str
    title: str
    goals: Goals
    outcome: Outcome
    outcomes: Mapping[Outcome, int]
    rpo: Spread | None
    rto: Spread | None
    stages: Mapping[Stage, Spread]
    toll: Toll | None

    @property
    def runs(self) -> int:
        """Return how many runs there were, of any outcome."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """An entry with its place among the drills of its scenario in one run."""

    entry: Entry
    number: int
    of: int

    @property
    def name(self) -> str:
        """Return the scenario, and which time it was where it was drilled several times."""
        scenario = self.entry.run.scenario
        return scenario if self.of == 1 else f"{scenario}, run {self.number} of {self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHeld:
    """What came of a scenario when it was last drilled, and when that was."""

    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A book with what came of it last; None where it was never drilled."""

    name: str
    recovery: Recovery
    last: LastHeld | None


def summaries(entries: Iterable[Entry]) -> tuple[Summary, ...]:
    """Return a summary for each scenario, in the order in which they first come."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.run.scenario, []).append(entry)
    return tuple(_summary(group) for group in groups.values())


def numbered(entries: Sequence[Entry]) -> tuple[Numbered, ...]:
    """Return entries with their place among those of the same scenario."""
    of = Counter(entry.run.scenario for entry in entries)
    so_far = Counter[str]()
    found = []
    for entry in entries:
        so_far[entry.run.scenario] += 1
        found.append(Numbered(entry=entry, number=so_far[entry.run.scenario], of=of[entry.run.scenario]))
    return tuple(found)


def last_held(journals: Iterable[Journal]) -> Mapping[str, LastHeld]:
    """Return by scenario what came of it in the newest run; of several drills in one run the worst."""
    last: dict[str, LastHeld] = {}
    for journal in journals:
        for summary in summaries(journal.entries):
            ends = [entry.run.ended_at for entry in journal.entries if entry.run.scenario == summary.scenario]
            found = LastHeld(outcome=summary.outcome, at=datetime.fromtimestamp(max(ends), tz=UTC))
            if summary.scenario not in last or last[summary.scenario].at <= found.at:
                last[summary.scenario] = found
    return last


def worst(outcomes: Collection[Outcome]) -> Outcome:
    """Return what many outcomes are together; none at all cannot tell."""
    if not outcomes:
        return Outcome.INCONCLUSIVE
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.PASSED)


def rpo_of(run: DrillRun) -> float | None:
    """Return the time whose work was lost; None where nobody counted, which is not the same as nothing."""
    return run.rpo_seconds if run.losses else None


def toll_of(run: DrillRun) -> Toll | None:
    """Return the rows that a run cost, all streams together; None where nobody counted."""
    if not run.losses:
        return None
    return Toll(
        lost=sum(loss.lost for loss in run.losses),
        holes=sum(loss.holes for loss in run.losses),
        phantoms=sum(loss.phantoms for loss in run.losses),
        given_up=sum(run.given_up.values()),
        divergence=run.divergence,
    )


def longest_stage(summary: Summary) -> tuple[Stage, float] | None:
    """Return the stage that takes most, with its part of the whole; the first that was not reached is infinitely long."""
    if not summary.stages:
        return None
    # Of several infinite ones `max` takes the first.
    stage = max(summary.stages, key=lambda each: summary.stages[each].median)
    longest, whole = summary.stages[stage].median, sum(each.median for each in summary.stages.values())
    if math.isinf(longest):
        return stage, math.inf
    return stage, longest / whole if whole else 0.0


def _summary(entries: Sequence[Entry]) -> Summary:
    last = entries[-1]
    outcomes = Counter(entry.verdict.outcome for entry in entries)
    runs = [entry.run for entry in entries if entry.verdict.outcome is not Outcome.INCONCLUSIVE]
    return Summary(
        scenario=last.run.scenario,
        title=last.run.title,
        goals=last.goals,
        outcome=worst(outcomes),
        outcomes={outcome: outcomes[outcome] for outcome in Outcome},
        rpo=_spread([rpo_of(run) for run in runs]),
        rto=_spread([run.rto_seconds for run in runs]),
        stages=_stages(runs),
        toll=_most([toll for run in runs if (toll := toll_of(run)) is not None]),
    )


def _stages(runs: Sequence[DrillRun]) -> Mapping[Stage, Spread]:
    seconds = [{each.stage: each.seconds for each in run.stages} for run in runs]
    spreads = {stage: _spread([each.get(stage) for each in seconds]) for stage in Stage}
    return {stage: spread for stage, spread in spreads.items() if spread is not None}


def _spread(seconds: Sequence[float | None]) -> Spread | None:
    known = [math.inf if each is None else each for each in seconds]
    return Spread(number=len(known), median=median(known), worst=max(known)) if known else None


def _most(tolls: Sequence[Toll]) -> Toll | None:
    if not tolls:
        return None
    return Toll(
        lost=max(toll.lost for toll in tolls),
        holes=max(toll.holes for toll in tolls),
        phantoms=max(toll.phantoms for toll in tolls),
        given_up=max(toll.given_up for toll in tolls),
        divergence=max(toll.divergence for toll in tolls),
    )
