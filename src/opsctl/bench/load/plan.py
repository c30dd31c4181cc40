"""When should each request of a load start: the arrival plan, the same in every process that asks for it."""

import hashlib
import json
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.bench.load.phases import Phase, Ramp, Spike, Stairs, Steady
from opsctl.core.units import parse_duration

if TYPE_CHECKING:
    import numpy as np

_PIECE = 8192
"""Arrivals that are worked out at a time: a week at 10,000 a second must not lie in memory."""

_EPSILON = 1e-9
"""An arrival this close to the end of a phase belongs to the next one: 0.1 * 30 is a little more than 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the plan in which the rate is a straight line; steps of stairs and parts of a spike are one each."""

    begin: float
    seconds: float
    rate_begin: float
    rate_end: float
    is_random: bool
    phase: int
    """Place of its phase in the book, from 0."""
    label: str

    @property
    def end(self) -> float:
        """Return when it ends, in seconds of the run."""
        return self.begin + self.seconds

    @property
    def arrivals(self) -> float:
        """Return the expected number of arrivals: the integral of the rate."""
        return self.seconds * (self.rate_begin + self.rate_end) / 2

    def rate_at(self, second: float) -> float:
        """Return the rate at a second of the run."""
        part = (second - self.begin) / self.seconds
        return self.rate_begin + (self.rate_end - self.rate_begin) * part


class ArrivalPlan:
    """The planned start of every request, in seconds since the run began.

    `poisson` and `soak` draw independent exponential distances (a homogeneous Poisson process). All other shapes are
    evenly spaced: arrival n comes when the integral of the rate reaches n, which for a constant rate is every 1 / rate
    seconds. What a phase leaves of a whole arrival at its end is carried on into the next.
    """

    def __init__(self, phases: Sequence[Phase], *, seed: int) -> None:
        self.segments = tuple(_segments(phases))
        self._begins = [segment.begin for segment in self.segments]
        self._seed = seed
        self.seconds = self.segments[-1].end
        document = {"seed": seed, "phases": [phase.model_dump(mode="json") for phase in phases]}
        self.digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def segment_at(self, second: float) -> Segment:
        """Return the part of the plan that a second of the run belongs to; the last one after the end."""
        return self.segments[max(0, bisect_right(self._begins, second) - 1)]

    def rate_at(self, second: float) -> float:
        """Return the planned requests a second at a moment; 0 outside the run."""
        if not 0 <= second < self.seconds:
            return 0.0
        return self.segment_at(second).rate_at(second)

    def phase_at(self, second: float) -> str:
        """Return the phase of that moment in a few words."""
        return self.segment_at(second).label

    def chunks(self) -> "Iterator[tuple[int, np.ndarray]]":
        """Yield (number of the first arrival, its and the following times), a bounded piece at a time, ascending."""
        number, carried = 0, 0.0
        for place, segment in enumerate(self.segments):
            if segment.is_random:
                pieces, carried = _random(segment, seed=(self._seed, place)), 0.0
            else:
                pieces = _even(segment, carried=carried)
                carried = (carried - segment.arrivals) % 1.0
                carried = 0.0 if 1.0 - carried < _EPSILON else carried
            for times in pieces:
                yield number, times
                number += times.size

    def share(self, process: int, *, of: int) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
        """Yield (numbers, times) of the arrivals i with i mod `of` == `process`."""
        return _shared(self.chunks(), process=process, of=of)


class RecordedArrivals:
    """Arrival times of a recorded log: seconds since its first request, ascending."""

    def __init__(self, seconds: Sequence[float]) -> None:
        import numpy as np

        self._times = np.asarray(seconds, dtype=np.float64)
        if not self._times.size or self._times[0] < 0 or (np.diff(self._times) < 0).any():
            raise ValueError("recorded arrivals are at least one, from 0 on, ascending")
        self.seconds = float(self._times[-1]) + 1e-3
        self.digest = hashlib.sha256(self._times.tobytes()).hexdigest()

    def rate_at(self, second: float) -> float:
        """Return the arrivals within that second."""
        import numpy as np

        first, end = np.searchsorted(self._times, [math.floor(second), math.floor(second) + 1])
        return float(end - first)

    def phase_at(self, second: float) -> str:  # noqa: ARG002 - a recording has one phase
        """Return what this is."""
        return "replay"

    def chunks(self) -> "Iterator[tuple[int, np.ndarray]]":
        """Yield the times in pieces."""
        for first in range(0, self._times.size, _PIECE):
            yield first, self._times[first : first + _PIECE]

    def share(self, process: int, *, of: int) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
        """Yield (numbers, times) of the arrivals i with i mod `of` == `process`."""
        return _shared(self.chunks(), process=process, of=of)


def _shared(
    chunks: "Iterator[tuple[int, np.ndarray]]", *, process: int, of: int
) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    import numpy as np

    for first, times in chunks:
        skipped = (process - first) % of
        mine = times[skipped::of]
        if mine.size:
            yield np.arange(first + skipped, first + times.size, of), mine


def _even(segment: Segment, *, carried: float) -> "Iterator[np.ndarray]":
    import numpy as np

    # The n-th arrival is where rate_begin * t + slope * t**2 / 2 == n; this form of the root has no cancellation.
    slope = (segment.rate_end - segment.rate_begin) / segment.seconds
    count = max(0, math.ceil(segment.arrivals - carried - _EPSILON))
    for first in range(0, count, _PIECE):
        area = carried + np.arange(first, min(count, first + _PIECE), dtype=np.float64)
        root = np.sqrt(np.maximum(segment.rate_begin**2 + 2 * slope * area, 0.0))
        yield segment.begin + 2 * area / (segment.rate_begin + root)


def _random(segment: Segment, *, seed: tuple[int, int]) -> "Iterator[np.ndarray]":
    import numpy as np

    random = np.random.default_rng(seed)
    last = segment.begin
    while last < segment.end:
        times = last + np.cumsum(random.exponential(1 / segment.rate_begin, size=_PIECE))
        last = float(times[-1])
        times = times[: np.searchsorted(times, segment.end)]
        if times.size:
            yield times


def _segments(phases: Sequence[Phase]) -> Iterator[Segment]:
    begin = 0.0
    for place, phase in enumerate(phases):
        for seconds, rate_begin, rate_end, label in _parts(phase):
            yield Segment(
                begin=begin,
                seconds=seconds,
                rate_begin=rate_begin,
                rate_end=rate_end,
                is_random=isinstance(phase, Steady) and phase.shape != "constant",
                phase=place,
                label=label,
            )
            begin += seconds


def _parts(phase: Phase) -> list[tuple[float, float, float, str]]:
    match phase:
        case Steady():
            return [
                (parse_duration(phase.duration), phase.rate, phase.rate, f"{phase.shape} {phase.rate:,g}/s")
            ]
        case Ramp():
            label = f"ramp {phase.start:,g} to {phase.end:,g}/s"
            return [(parse_duration(phase.duration), phase.start, phase.end, label)]
        case Spike():
            peak = parse_duration(phase.peak_duration)
            side = (parse_duration(phase.duration) - peak) / 2
            base = (side, phase.base, phase.base, f"spike, base {phase.base:,g}/s")
            return [base, (peak, phase.peak, phase.peak, f"spike, peak {phase.peak:,g}/s"), base]
        case Stairs():
            return list(_steps(phase))


def _steps(phase: Stairs) -> Iterator[tuple[float, float, float, str]]:
    seconds = parse_duration(phase.step_duration)
    for step in range(phase.steps):
        rate = phase.start + (phase.end - phase.start) * step / (phase.steps - 1)
        yield seconds, rate, rate, f"{phase.shape} {step + 1} of {phase.steps}, {rate:,g}/s"
