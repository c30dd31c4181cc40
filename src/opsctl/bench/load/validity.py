"""Does a run say anything about the service, or was it cold, cut short, or disturbed from beside it: each with its cure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.bench.load.gates import Gate
from opsctl.bench.load.measured import Measured, hits_of
from opsctl.bench.load.model import GateCheck
from opsctl.bench.load.ports import EngineResult, LoadJob
from opsctl.bench.load.sender_validity import invalid, sending_problems
from opsctl.bench.load.spread import Figure, share_figure, spread_of
from opsctl.bench.load.tally import Block
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import format_count, format_duration
from opsctl.evidence.model import Verdict
from opsctl.vectors.state import SideState

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
        *sending_problems(job, result, gates=gates),
        *_cache_problems(job, measured),
        *_source_problems(circumstances),
        *_short(checks, result),
    ]
    return tuple(found)


def _engine_problems(result: EngineResult) -> list[Finding]:
    return [
        invalid(
            "BEN042",
            "a sending process gave up",
            evidence=error,
            fix="run it again; with the same error, fewer `processes` or `connections`",
        )
        for error in result.errors
    ] + (
        [invalid("BEN042", "nothing was sent", fix="see whether the service answers: opsctl stack status")]
        if not result.total.sent
        else []
    )


def _warm_up_problems(job: LoadJob, warm_up: WarmUpReport) -> list[Finding]:
    if not warm_up.complaint:
        return []
    return [
        invalid(
            "BEN040",
            "the warm-up failed",
            evidence=warm_up.complaint,
            fix="see what the service answers: opsctl stack logs service"
            if job.book.target == "service"
            else "see what the target answers: curl -i with a path of the book; the log of the target says why",
        )
    ]


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
        invalid(
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
            invalid(
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
