"""When was what in a drill: its stages, the commands of the runbook and what readers got, from its start on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from opsctl.dr.drill.model import DrillRun, SecondSeen, Stage
from opsctl.dr.restore import Step

BEFORE, AFTERWARDS = "before", "afterwards"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a drill, in seconds since its start."""

    name: str
    begins: float
    seconds: float

    @property
    def ends(self) -> float:
        """Return when it is over."""
        return self.begins + self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSeen:
    """What readers got in one part of a drill; `worst_p99_seconds` is of its worst second."""

    name: str
    seconds: float
    good: int
    bad: int
    worst_p99_seconds: float | None


def destroyed_after(run: DrillRun) -> float | None:
    """Return how long after the start the destruction began."""
    return None if run.destroyed_at is None else max(0.0, run.destroyed_at - run.started_at)


def stage_spans(run: DrillRun) -> tuple[Span, ...]:
    """Return the stages that were reached, one after the other."""
    begins = destroyed_after(run)
    if begins is None:
        return ()
    edges = accumulate((each.seconds for each in run.stages), initial=begins)
    return tuple(
        Span(name=str(each.stage), begins=edge, seconds=each.seconds)
        for edge, each in zip(edges, run.stages, strict=False)
    )


def command_spans(run: DrillRun) -> tuple[Span, ...]:
    """Return the commands, one after the other from when the first began; none where none did."""
    declared = next((span for span in stage_spans(run) if span.name == Stage.DECLARED), None)
    if declared is None:
        return ()
    edges = accumulate((each.seconds for each in run.commands), initial=declared.ends)
    return tuple(
        Span(name=each.command, begins=edge, seconds=each.seconds)
        for edge, each in zip(edges, run.commands, strict=False)
    )


def whole_seconds(run: DrillRun) -> float:
    """Return how long the drill was as far as anything was seen of it; rows are counted after that."""
    ends = [
        *(span.ends for span in (*stage_spans(run), *command_spans(run))),
        max((point.second + 1.0 for point in run.points), default=0.0),
        destroyed_after(run) or 0.0,
    ]
    return max(*ends, 1.0)


def restore_steps(run: DrillRun) -> list[tuple[str, float]]:
    """Return the steps of the restore with their seconds, in the order in which they are done; a journal has them by name."""
    known = [str(step) for step in Step]
    place = {name: number for number, name in enumerate(known)}
    return sorted(run.restore_steps.items(), key=lambda step: place.get(step[0], len(known)))


def parts(run: DrillRun) -> tuple[PartSeen, ...]:
    """Return what readers got before the destruction, in each stage, and afterwards; a second is of when it begins."""
    return tuple(_part(span, run.points) for span in _cut(run) if span.seconds > 0)


def _cut(run: DrillRun) -> Iterator[Span]:
    destroyed, whole = destroyed_after(run), whole_seconds(run)
    yield Span(name=BEFORE, begins=0.0, seconds=whole if destroyed is None else destroyed)
    if destroyed is None:
        return
    stages = stage_spans(run)
    yield from stages
    ends = stages[-1].ends if stages else destroyed
    missing = list(Stage)[len(stages) :]
    name = f"not {missing[0]}" if missing else AFTERWARDS
    yield Span(name=name, begins=ends, seconds=max(0.0, whole - ends))


def _part(span: Span, points: Sequence[SecondSeen]) -> PartSeen:
    inside = [point for point in points if span.begins <= point.second < span.ends]
    return PartSeen(
        name=span.name,
        seconds=span.seconds,
        good=sum(point.good for point in inside),
        bad=sum(point.bad for point in inside),
        worst_p99_seconds=max(
            (point.p99_seconds for point in inside if point.p99_seconds is not None), default=None
        ),
    )
