"""Which of two running services is better: the same load sent to both in turns (A, B, B, A), within one session."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from opsctl.bench.load.book import LoadBook, WarmUp
from opsctl.bench.load.compare import compare_units, conclude
from opsctl.bench.load.comparison import LoadComparison, Pairing
from opsctl.bench.load.metrics import Metric
from opsctl.bench.load.model import LoadReport
from opsctl.bench.load.phases import Phase, Ramp, Spike, Stairs, Steady, phase_seconds
from opsctl.bench.load.ports import LoadJob
from opsctl.bench.load.series import Unit, joined
from opsctl.bench.load.stored import units_of
from opsctl.core.errors import InconclusiveError
from opsctl.core.events import Listener, Noted, PhaseAdvanced, PhaseStarted, ignore
from opsctl.core.findings import Severity
from opsctl.core.units import format_duration, parse_duration

SendsLoad = Callable[[LoadJob], LoadReport]
"""Sends a job and tells what came of it."""

_ORDER = (0, 1, 1, 0)
_MOST_INVALID_SHARE = 0.25
_SETTLING_SHARE = 1 / 3
"""Of each turn, at its begin: connections are made, and the other side's last work ends; not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How two services are loaded in turns, and what counts as a change."""

    rounds: int = 10
    turn_seconds: float = 3.0
    noise_floor: float = 0.05
    metrics: Sequence[Metric] = tuple(Metric)


def run_interleaved(
    jobs: tuple[LoadJob, LoadJob], *, send: SendsLoad, turns: Turns, listener: Listener = ignore
) -> LoadComparison:
    """Send rounds of A, B, B, A and compare the turns pairwise; both sides get the same requests in a round.

    A drift of the machine falls on both sides alike, because A, B, B, A have their middle at the same moment; a round is
    one pair. The odd rounds of a side against its even ones are the A/A control: they raise the noise floor to what
    differs without a cause.

    Raises:
        InconclusiveError: BEN069 when more than a quarter of the rounds was invalid.
    """
    subject, phase = jobs[0].name, "compare in turns"
    least = format_duration(turns.turn_seconds * (4 * turns.rounds + 2))
    listener(Noted(subject=subject, message=f"{turns.rounds} rounds of A, B, B, A, at least {least}"))
    listener(PhaseStarted(subject=subject, phase=phase, total=turns.rounds, unit="rounds"))
    for job in jobs:
        send(
            turn_of(job, seconds=turns.turn_seconds, seed=job.book.seed)
        )  # uncounted: connects, fills caches
    sides: tuple[list[Unit], list[Unit]] = ([], [])
    invalid: list[str] = []
    done = 0
    while done < turns.rounds:
        units, reason = _round(jobs, send=send, seconds=turns.turn_seconds, number=1 + done + len(invalid))
        if reason:
            invalid.append(reason)
            if len(invalid) > max(1, turns.rounds * _MOST_INVALID_SHARE):
                raise _too_many_invalid(invalid, tried=done + len(invalid))
            continue
        for side, own in zip(sides, units, strict=True):
            side.append(joined(own))
        done += 1
        listener(PhaseAdvanced(subject=subject, phase=phase, advance=1))
    changes = compare_units(
        *sides, noise_floor=turns.noise_floor, pairing=Pairing.IN_TURNS, metrics=turns.metrics
    )
    return LoadComparison(
        first=jobs[0].address.url,
        second=jobs[1].address.url,
        differences=(),
        noise_floor=turns.noise_floor,
        changes=changes,
        verdict=conclude(changes),
        is_interleaved=True,
    )


def _round(
    jobs: tuple[LoadJob, LoadJob], *, send: SendsLoad, seconds: float, number: int
) -> tuple[tuple[list[Unit], list[Unit]], str]:
    """Return the two turns of each side, and why the round does not count."""
    units: tuple[list[Unit], list[Unit]] = ([], [])
    for place in _ORDER:
        report = send(turn_of(jobs[place], seconds=seconds, seed=jobs[place].book.seed + number))
        if reason := invalid_because(report):
            return units, reason
        units[place].append(settled(report))
    return units, ""


def turn_of(job: LoadJob, *, seconds: float, seed: int, rate: float | None = None) -> LoadJob:
    """Return a short, steady piece of a load: its mean rate unless another is given, no warm-up, nothing that ends it."""
    book = job.book
    phase = Steady(shape="poisson", rate=rate or mean_rate(book), duration=f"{round(seconds * 1000)}ms")
    changes = {
        "arrivals": [phase],
        "seed": seed,
        "warm_up": WarmUp(every_user=False, duration="0s"),
        "abort": [],
        "shadow": None,
        # Thirds of a few seconds say nothing of a cache; both sides were warmed, and take turns.
        "validity": book.validity.model_copy(update={"cache": "any"}),
    }
    return replace(job, book=book.model_copy(update=changes), replay=None)


def mean_rate(book: LoadBook) -> float:
    """Return the mean planned rate of all phases."""
    return sum(_planned(phase) for phase in book.arrivals) / book.duration_seconds


def settled(report: LoadReport) -> Unit:
    """Return one turn as a unit, its begin left out.

    Raises:
        InconclusiveError: BEN068 when the report keeps no histograms by second.
    """
    units = units_of(report)
    counted = [
        unit
        for unit, point in zip(units, report.points, strict=True)
        if point.second >= report.duration_seconds * _SETTLING_SHARE
    ]
    if not counted:
        raise InconclusiveError(
            "a turn has no second that counts",
            code="BEN068",
            why="the first third of each turn is left out",
            fix="make turns longer: --block 3s",
        )
    return joined(counted)


def invalid_because(report: LoadReport) -> str:
    """Return why a report says nothing about the service; empty when it does say something."""
    return "; ".join(each.title for each in report.problems if each.severity is Severity.ERROR)


def _planned(phase: Phase) -> float:
    seconds = phase_seconds(phase)
    match phase:
        case Steady():
            return phase.rate * seconds
        case Ramp() | Stairs():
            return (phase.start + phase.end) / 2 * seconds
        case Spike():
            peak = parse_duration(phase.peak_duration)
            return phase.peak * peak + phase.base * (seconds - peak)


def _too_many_invalid(invalid: Sequence[str], *, tried: int) -> InconclusiveError:
    return InconclusiveError(
        f"{len(invalid)} of {tried} rounds were invalid",
        code="BEN069",
        why=invalid[-1],
        fix="end other work on this machine, or ask for a lower rate",
    )
