"""Does a run say anything about the service: what was wrong with the sender or the surroundings, each with its cure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.bench.load.gates import Gate
from opsctl.bench.load.measured import Figure, Measured, hits_of, share_figure, spread_of
from opsctl.bench.load.model import GateCheck
from opsctl.bench.load.ports import EngineResult, LoadJob
from opsctl.bench.load.tally import Block, Outcome
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import format_count, format_duration
from opsctl.evidence.model import Verdict
from opsctl.vectors.state import SideState

DEFAULT_OBJECTIVE_SECONDS = 1.0
STEADY_POINTS = 0.05
_FEWEST_NAMED = 100
"""Fewer answers in a third of the run do not tell whether a cache changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpReport:
    """What came of the requests before the counted ones; `complaint` says why they were not what they should be."""

    users: int = 0
    answered: int = 0
    errors: int = 0
    seconds: float = 0.0
    complaint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What held beside the load itself.

    Args:
        before: states of the vector collections before the run.
        after: the same afterwards.
    """

    warm_up: WarmUpReport = field(default_factory=WarmUpReport)
    before: Sequence[SideState] = ()
    after: Sequence[SideState] = ()


def problems_of(
    job: LoadJob,
    result: EngineResult,
    *,
    measured: Measured,
    gates: Sequence[Gate],
    checks: Sequence[GateCheck],
    circumstances: Circumstances,
) -> tuple[Finding, ...]:
    """Return everything that should be known; findings of severity error make the run invalid."""
    found = [
        *_engine_problems(result),
        *_warm_up_problems(job, circumstances.warm_up),
        *_sending_problems(job, result, gates=gates),
        *_cache_problems(job, measured),
        *_source_problems(circumstances),
        *_short(checks, result),
    ]
    return tuple(found)


_STARVED_LAG_SHARE = 0.01
"""A starved sender whose lag stays below this share of the objective changes no verdict; ours: a tenth of `lag_share`."""

_STARVED_FOR_SURE = 0.5


def objective_seconds(gates: Sequence[Gate]) -> float:
    """Return the smallest time of the service that a gate limits from above, else a second."""
    limits = [
        gate.limit
        for gate in gates
        if gate.is_latency and gate.clock != "generator_lag" and gate.wants_less and gate.limit > 0
    ]
    return min(limits, default=DEFAULT_OBJECTIVE_SECONDS)


def _engine_problems(result: EngineResult) -> list[Finding]:
    return [
        _error(
            "BEN042",
            "a sending process gave up",
            evidence=error,
            fix="run it again; with the same error, fewer `processes` or `connections`",
        )
        for error in result.errors
    ] + (
        [_error("BEN042", "nothing was sent", fix="see whether the service answers: opsctl stack status")]
        if not result.total.sent
        else []
    )


def _warm_up_problems(job: LoadJob, warm_up: WarmUpReport) -> list[Finding]:
    if not warm_up.complaint:
        return []
    return [
        _error(
            "BEN040",
            "the warm-up failed",
            evidence=warm_up.complaint,
            fix="see what the service answers: opsctl stack logs service"
            if job.book.target == "service"
            else "see what the target answers: curl -i with a path of the book; the log of the target says why",
        )
    ]


def _sending_problems(job: LoadJob, result: EngineResult, *, gates: Sequence[Gate]) -> list[Finding]:
    total, validity = result.total, job.book.validity
    found = []
    allowed = validity.lag_share * objective_seconds(gates)
    lag = total.timings.generator_lag
    seen = lag.value_at(0.99) / 1e6 if lag.count else 0.0
    if seen > allowed:
        found.append(
            _error(
                "BEN035",
                f"the sender was late: p99 of its lag is {format_duration(seen)}",
                evidence=f"at most {format_duration(allowed)} is allowed, {validity.lag_share:.0%} of the objective",
                fix="give it more `processes`, a lower rate, or a machine of its own",
            )
        )
    if total.planned and total.sent < validity.achieved_share * total.planned and not result.aborted:
        found.append(
            _error(
                "BEN036",
                f"only {format_count(total.sent)} of {format_count(total.planned)} planned requests were sent",
                evidence=_why_unsent(result),
                fix="ask for a lower rate, or let it have more `connections` or `processes`",
            )
        )
    if dropped := total.outcomes.get(Outcome.DROPPED, 0):
        found.append(
            _error(
                "BEN037",
                f"{format_count(dropped)} requests were dropped unsent",
                evidence=f"more than {format_count(job.book.limits.most_waiting)} were waiting for a connection",
                fix="ask for a lower rate; opsctl bench capacity finds the one that holds",
            )
        )
    if result.starved_share > validity.starved_share:
        found.append(
            _starved(result, allowed=validity.starved_share, lag_share=seen / objective_seconds(gates))
        )
    return found


def _starved(result: EngineResult, *, allowed: float, lag_share: float) -> Finding:
    """Return what starvation means here: many short waits, beside a service on the same cores, delay nothing that counts.

    What the waits amount to is measured, as lag, and the same waits delay the reading of answers.
    """
    matters = lag_share > _STARVED_LAG_SHARE or result.starved_share > _STARVED_FOR_SURE
    lag = f"p99 of its lag is {lag_share:.2%} of the objective"
    return Finding(
        code="BEN038",
        severity=Severity.ERROR if matters else Severity.WARNING,
        title=f"the sender waited {result.starved_share:.0%} of the time for a CPU",
        evidence=f"more than {allowed:.0%}; {lag}, {'above' if matters else 'within'} {_STARVED_LAG_SHARE:.0%}"
        if result.starved_share <= _STARVED_FOR_SURE
        else f"at most {_STARVED_FOR_SURE:.0%} is allowed whatever came of it",
        fix="end other work on this machine, or send from another one",
    )


def _why_unsent(result: EngineResult) -> str:
    timings = result.total.timings
    waits = timings.queue_wait.value_at(0.99) if timings.queue_wait.count else 0.0
    lags = timings.generator_lag.value_at(0.99) if timings.generator_lag.count else 0.0
    who = "the service kept all connections busy" if waits > lags else "the sender itself was too slow"
    return f"{who}: p99 of the wait {format_duration(waits / 1e6)}, of the lag {format_duration(lags / 1e6)}"


def _cache_problems(job: LoadJob, measured: Measured) -> list[Finding]:
    if job.book.validity.cache == "any":
        return []
    seconds = sorted(measured.total.blocks)
    third = len(seconds) // 3
    if not third:
        return []
    first = _hits(measured.total.blocks, seconds[:third])
    last = _hits(measured.total.blocks, seconds[-third:])
    if first is None or last is None or not _is_apart(first, last):
        return []
    return [
        _error(
            "BEN039",
            f"the cache was not in a steady state: L1 answered {first.value:.0%} at first and {last.value:.0%} at last",
            evidence=f"first and last third of the run; at most {STEADY_POINTS * 100:.0f} points are allowed",
            fix="warm up longer (`warm_up.every_user`), or say `validity: {cache: any}` where a cold cache is meant",
        )
    ]


def _hits(blocks: Mapping[int, Block], seconds: Sequence[int]) -> Figure | None:
    """Return the share of L1's answers in some blocks; None where they say too little."""
    counts = [hits_of(blocks[second].tiers, tier=None) for second in seconds]
    hits, named = sum(each[0] for each in counts), sum(each[1] for each in counts)
    return share_figure(hits, named, spread=spread_of(counts)) if named >= _FEWEST_NAMED else None


def _is_apart(first: Figure, last: Figure) -> bool:
    """Tell whether two shares differ by more than is allowed, and by more than chance may do."""
    if None in (first.value, last.value, first.low, last.low, first.high, last.high):
        return False
    difference = abs((first.value or 0.0) - (last.value or 0.0))
    overlap = (first.low or 0.0) <= (last.high or 0.0) and (last.low or 0.0) <= (first.high or 0.0)
    return difference > STEADY_POINTS and not overlap


def _source_problems(circumstances: Circumstances) -> list[Finding]:
    found = []
    after = {state.collection: state for state in circumstances.after}
    for state in circumstances.before:
        later = after.get(state.collection, state)
        if not (state.is_at_rest and later.is_at_rest):
            what, evidence = "was not at rest", f"{state.status} before, {later.status} after the run"
        elif (state.points, state.config_digest) != (later.points, later.config_digest):
            what, evidence = (
                "changed during the run",
                f"{state.points:,} points before, {later.points:,} after",
            )
        else:
            continue
        found.append(
            _error(
                "BEN041",
                f"collection `{state.collection}` {what}",
                evidence=evidence,
                fix="stop writers and wait until all is green: opsctl collections status",
            )
        )
    return found


def _short(checks: Sequence[GateCheck], result: EngineResult) -> list[Finding]:
    """Say that a gate got no interval at all: more time helps, and the gate itself is inconclusive already."""
    unknown = [
        check.gate
        for check in checks
        if check.verdict is Verdict.INCONCLUSIVE and check.low is None and check.unit == "s"
    ]
    if not unknown:
        return []
    return [
        Finding(
            code="BEN043",
            severity=Severity.WARNING,
            title=f"the run was too short for {', '.join(f'`{gate}`' for gate in unknown)}",
            evidence=f"{format_count(result.total.sent)} requests in {format_duration(result.seconds)}",
            fix="run it for longer: --duration 2m",
        )
    ]


def _error(code: str, title: str, *, evidence: str | None = None, fix: str) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, title=title, evidence=evidence, fix=fix)
