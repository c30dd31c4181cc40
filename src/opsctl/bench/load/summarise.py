"""What does a run amount to: the result of an engine as a report, with what the sample supports and no more."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsctl.bench.load.gate_checks import check_gates
from opsctl.bench.load.gates import Gate, parse_gate
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.measured import Measured, hits_of
from opsctl.bench.load.model import GateCheck, LoadReport, Percentiles, Point, Recall
from opsctl.bench.load.ports import Arrivals, EngineResult, LoadJob
from opsctl.bench.load.tally import Block, Tally, Tier
from opsctl.bench.load.timeline import Timeline
from opsctl.bench.load.validity import Circumstances, problems_of
from opsctl.core.findings import Finding, Severity
from opsctl.core.quantiles import QuantileEstimate
from opsctl.evidence.model import Verdict, digest_of

SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that is known of a run when it has ended.

    Args:
        job: what was sent.
        engine: who sent it.
        loop: `open` or `closed`.
        result: what became of it.
        arrivals: when it was to be sent.
        timeline: what had been sent and answered when.
        simulated: what of the service was simulated.
        machine: the fingerprint of this machine.
        git_commit: of the project.
        missed: gates that ended the run early, as they were measured then: over a step, or over ten seconds.
    """

    job: LoadJob
    engine: str
    loop: str
    result: EngineResult
    arrivals: Arrivals
    timeline: Timeline
    circumstances: Circumstances = field(default_factory=Circumstances)
    recall: Recall | None = None
    missed: tuple[GateCheck, ...] = ()
    simulated: tuple[str, ...] = ()
    machine: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None


def summarise(run: Run) -> LoadReport:
    """Return the report: pure, so that the same result gives the same report again."""
    job, book, total = run.job, run.job.book, run.result.total
    gates, _ = gates_of(job)
    begin, end = busiest_stretch(run.arrivals, seconds=run.result.seconds)
    measured = _measured(run, begin=begin, end=end)
    checks = _checks(run, measured)
    problems = problems_of(
        job, run.result, measured=measured, gates=gates, checks=checks, circumstances=run.circumstances
    )
    tiers = {tier: histogram.count for tier, histogram in total.tiers.items()}
    hits, named = hits_of(tiers, tier=None)
    seconds = run.result.seconds
    return LoadReport(
        load=job.name,
        title=book.title,
        engine=run.engine,
        loop=run.loop,
        target=job.address.url,
        plan_digest=run.arrivals.digest,
        book_digest=digest_of(book.model_dump(mode="json")),
        seed=book.seed,
        processes=book.processes,
        connections=book.limits.connections,
        duration_seconds=seconds,
        planned=total.planned,
        sent=total.sent,
        answered=sum(total.statuses.values()),
        planned_rate=total.planned / seconds if seconds else 0.0,
        achieved_rate=_rate(0.0, run.timeline.sent_at(seconds), seconds) or 0.0,
        goodput_rate=_rate(0.0, run.timeline.good_at(seconds), seconds) or 0.0,
        main_rate=_planned_rate(run.arrivals, begin=begin, end=end) if run.loop == "open" else 0.0,
        main_seconds=end - begin if run.loop == "open" else 0.0,
        outcomes=dict(total.outcomes),
        statuses={str(status): count for status, count in sorted(total.statuses.items())},
        reasons=dict(total.reasons.most_common()),
        error_rate=measured.errors / measured.ended if measured.ended else 0.0,
        **_latencies(total, measured, gates=gates),
        tier_counts=tiers,
        hit_ratio=hits / named if named else None,
        stages=_stages(total),
        points=tuple(_points(total, seconds=seconds)),
        histograms=_histograms(total),
        recall=run.recall,
        gates=checks,
        problems=problems,
        sender=_sender(run.result),
        aborted=run.result.aborted,
        fingerprint=run.machine,
        git_commit=run.git_commit,
        verdict=conclude(checks, problems, aborted=run.result.aborted),
        simulated=run.simulated,
        extra={"warm_up": _warm_up(run.circumstances), "replayed": job.replay is not None},
        blocks=tuple(total.blocks[second].response.to_sparse() for second in sorted(total.blocks)),
    )


def _measured(run: Run, *, begin: float, end: float) -> Measured:
    """Return what gates look at: rates of the busiest stretch, all else of the whole run."""
    timeline, seconds = run.timeline, end - begin
    return Measured(
        total=run.result.total,
        rate=_rate(timeline.sent_at(begin), timeline.sent_at(end), seconds),
        goodput=_rate(timeline.good_at(begin), timeline.good_at(end), seconds),
        recall=run.recall,
    )


def _checks(run: Run, measured: Measured) -> tuple[GateCheck, ...]:
    """Return every gate beside what was measured; one that ended the run stays as it was missed then."""
    gates, aborts = gates_of(run.job)
    missed = {(check.gate, check.is_abort): check for check in run.missed}
    found = (*check_gates(measured, gates), *check_gates(measured, aborts, is_abort=True))
    return tuple(missed.get((check.gate, check.is_abort), check) for check in found)


def _latencies(total: Tally, measured: Measured, *, gates: Sequence[Gate]) -> dict[str, Any]:
    """Return the percentiles of each clock, endpoint and tier, by the names of a report."""

    def of(histogram: Histogram) -> Percentiles:
        return _percentiles(histogram, measured, gates=gates)

    timings = total.timings
    return {
        "response": of(timings.response),
        "service": of(timings.service),
        "generator_lag": of(timings.generator_lag),
        "queue_wait": of(timings.queue_wait),
        "endpoints": {name: of(block.response) for name, block in total.endpoints.items()},
        "tiers": {tier: of(histogram) for tier, histogram in total.tiers.items()},
    }


def _stages(total: Tally) -> dict[str, dict[str, float]]:
    """Return the mean seconds of each stage by tier."""
    return {
        tier: {stage: time.seconds / time.answers for stage, time in stages.items() if time.answers}
        for tier, stages in total.stages.items()
    }


def _sender(result: EngineResult) -> dict[str, float]:
    return {
        "cpu_cores": result.cpu_cores,
        "starved_share": result.starved_share,
        "resident_bytes": float(result.resident_bytes),
    }


def gates_of(job: LoadJob) -> tuple[tuple[Gate, ...], tuple[Gate, ...]]:
    """Return the gates of a job, and those that end it early."""
    return (
        tuple(parse_gate(text, endpoints=job.book.mix) for text in job.book.gates),
        tuple(parse_gate(text, endpoints=job.book.mix) for text in job.book.abort),
    )


def conclude(checks: Sequence[GateCheck], problems: Sequence[Finding], *, aborted: str = "") -> Verdict:
    """Return the verdict: an invalid run neither passes nor fails, and one that ended early never passes.

    A gate that only ends a run early counts when it was missed.
    """
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Verdict.INCONCLUSIVE
    verdicts = {check.verdict for check in checks if not check.is_abort or check.verdict is Verdict.FAIL}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE if aborted or Verdict.INCONCLUSIVE in verdicts else Verdict.PASS


def busiest_stretch(arrivals: Arrivals, *, seconds: float) -> tuple[float, float]:
    """Return begin and end of the phase for which most requests are planned, as far as the run came.

    A rate that a gate demands is demanded of it: a ramp before would be counted against the service otherwise. Only
    seconds that lie in one phase altogether count, because processes tell once a second what they sent.
    """
    stretches: list[tuple[float, float, float]] = []
    name = ""
    second = 0.0
    while second < seconds:
        end = min(second + 1.0, seconds)
        phase = arrivals.phase_at(second)
        if phase != arrivals.phase_at(second + (end - second) * 0.999_999):
            phase = ""  # a second in which one phase ends and the next begins
        planned = arrivals.rate_at((second + end) / 2) * (end - second)
        if phase and phase == name:
            begin, _, before = stretches[-1]
            stretches[-1] = (begin, end, before + planned)
        elif phase:
            stretches.append((second, end, planned))
        name, second = phase, end
    if not stretches:
        return 0.0, seconds
    begin, end, _ = max(stretches, key=lambda each: each[2])
    return begin, end


def _planned_rate(arrivals: Arrivals, *, begin: float, end: float) -> float:
    """Return the mean planned rate of a stretch."""
    parts = max(1, math.ceil(end - begin))
    middles = (begin + (part + 0.5) * (end - begin) / parts for part in range(parts))
    return sum(map(arrivals.rate_at, middles)) / parts


def percentiles(histogram: Histogram, estimates: Sequence[QuantileEstimate]) -> Percentiles:
    """Return the summary of a histogram in seconds."""
    count = histogram.count
    return Percentiles(
        count=count,
        mean_seconds=histogram.mean_microseconds / 1e6 if count else 0.0,
        maximum_seconds=histogram.largest_microseconds / 1e6,
        estimates=tuple(estimates),
    )


def _percentiles(histogram: Histogram, measured: Measured, *, gates: Sequence[Gate]) -> Percentiles:
    shares = sorted({*SHARES, *(gate.share for gate in gates if gate.share is not None)})
    found = (measured.quantile(histogram, share) for share in shares)
    return percentiles(histogram, [estimate for estimate in found if estimate is not None])


def _points(total: Tally, *, seconds: float) -> list[Point]:
    rows = []
    for second in sorted(total.blocks):
        block = total.blocks[second]
        rows.append(
            Point(
                second=float(second),
                length_seconds=max(1e-3, min(float(total.block_seconds), seconds - second)),
                planned=block.planned,
                answered=block.response.count,
                errors=block.errors,
                p50_seconds=_at(block, 0.5),
                p95_seconds=_at(block, 0.95),
                p99_seconds=_at(block, 0.99),
                tiers=dict(block.tiers),
            )
        )
    return rows


def _at(block: Block, share: float) -> float | None:
    """Return a quantile of a block where its sample supports one; the interval is not kept."""
    estimate = block.response.estimate(share)
    return None if estimate is None else estimate.value


def _histograms(total: Tally) -> dict[str, Mapping[str, object]]:
    named = {"response": total.timings.response, "service": total.timings.service}
    named |= {f"response.{tier}": histogram for tier, histogram in total.tiers.items() if tier != Tier.NONE}
    return {name: histogram.to_sparse() for name, histogram in named.items()}


def _rate(first: float, last: float, seconds: float) -> float | None:
    return (last - first) / seconds if seconds > 0 else None


def _warm_up(circumstances: Circumstances) -> dict[str, object]:
    warm_up = circumstances.warm_up
    return {
        "users": warm_up.users,
        "answered": warm_up.answered,
        "errors": warm_up.errors,
        "seconds": round(warm_up.seconds, 3),
    }
