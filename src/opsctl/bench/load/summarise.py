"""What does a run amount to: gates, verdict and rates of its busiest stretch, put together as a report?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.bench.load.gate_checks import check_gates
from opsctl.bench.load.gates import Gate, parse_gate
from opsctl.bench.load.measured import Measured, hits_of
from opsctl.bench.load.model import GateCheck, LoadReport, Recall
from opsctl.bench.load.ports import Arrivals, EngineResult, LoadJob
from opsctl.bench.load.tally_figures import histograms_of, latencies_of, points_of, sender_figures, stages_of
from opsctl.bench.load.timeline import Timeline
from opsctl.bench.load.validity import Circumstances, problems_of
from opsctl.core.findings import Finding, Severity
from opsctl.evidence.model import Verdict, digest_of


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
        **latencies_of(total, measured, gates=gates),
        tier_counts=tiers,
        hit_ratio=hits / named if named else None,
        stages=stages_of(total),
        points=tuple(points_of(total, seconds=seconds)),
        histograms=histograms_of(total),
        recall=run.recall,
        gates=checks,
        problems=problems,
        sender=sender_figures(run.result),
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
