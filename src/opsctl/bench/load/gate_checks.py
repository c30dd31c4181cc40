"""Did each gate hold: a pass only where the whole interval is on the right side, a fail where it is on the wrong one.

A gate for a percentile, such as `p99 < 500ms`, says that at most one request in a hundred takes longer. That share is what
is judged, with its own interval: that a median drifts between one and two milliseconds does not put 500 in doubt.
"""

import math
from collections.abc import Iterable

from opsctl.bench.load.gates import Gate
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.measured import Measured
from opsctl.bench.load.model import GateCheck
from opsctl.bench.load.spread import Figure
from opsctl.bench.load.tally import Outcome
from opsctl.evidence.model import Verdict

_SHORT = {"HIT-L1": "L1", "HIT-L2": "L2"}


def check_gates(
    measured: Measured, gates: Iterable[Gate], *, is_abort: bool = False
) -> tuple[GateCheck, ...]:
    """Return each gate beside what was measured; what the sample does not support is inconclusive, never a pass."""
    return tuple(check_gate(measured, gate, is_abort=is_abort) for gate in gates)


def check_gate(measured: Measured, gate: Gate, *, is_abort: bool = False) -> GateCheck:
    """Return one gate beside what was measured."""
    figure = figure_of(measured, gate)
    finite = figure.high is not None and math.isfinite(figure.high)
    return GateCheck(
        gate=gate.text,
        metric=_name(gate),
        limit=gate.limit,
        value=figure.value,
        low=figure.low,
        high=figure.high if finite else None,
        unit=gate.unit,
        verdict=_judged_percentile(measured, gate, figure)
        if gate.share is not None
        else _judged(gate, figure),
        is_abort=is_abort,
    )


def figure_of(measured: Measured, gate: Gate) -> Figure:
    """Return what a gate speaks of, as it was measured."""
    if gate.is_latency:
        return _time(measured, gate)
    if gate.metric == "error_rate":
        return measured.share_of_errors(gate.endpoint)
    if gate.metric == "hit_ratio":
        return measured.share_of_hits(gate.tier)
    if gate.metric == "recall":
        seen = measured.recall
        return Figure() if seen is None else Figure(value=seen.value, low=seen.low, high=seen.high)
    exact = {
        "rate": measured.rate,
        "goodput": measured.goodput,
        "drops": float(measured.total.outcomes.get(Outcome.DROPPED, 0)),
    }[gate.metric]
    return Figure(value=exact, low=exact, high=exact)


def _time(measured: Measured, gate: Gate) -> Figure:
    histogram = _histogram(measured, gate)
    if gate.share is not None:
        estimate = measured.quantile(histogram, gate.share)
        return (
            Figure()
            if estimate is None
            else Figure(value=estimate.value, low=estimate.low, high=estimate.high)
        )
    return (
        measured.mean(histogram)
        if gate.metric == "mean"
        else _maximum(histogram, censored=_censored(measured, gate))
    )


def _histogram(measured: Measured, gate: Gate) -> Histogram:
    total = measured.total
    if gate.endpoint is not None:
        block = total.endpoints.get(gate.endpoint)
        return block.response if block else Histogram()
    if gate.tier is not None:
        return total.tiers.get(gate.tier, Histogram())
    chosen: Histogram = getattr(total.timings, gate.clock)
    return chosen


def _censored(measured: Measured, gate: Gate) -> Histogram:
    """Return the times without an answer among those that a gate speaks of; of an endpoint or a tier, all that may be."""
    timings = measured.total.timings
    if gate.clock == "service":
        return timings.censored_service
    return timings.censored if gate.clock == "response" else Histogram()


def _maximum(histogram: Histogram, *, censored: Histogram) -> Figure:
    """Return the longest time of this run, no estimate of another's; what had no answer may have taken any."""
    if not histogram.count:
        return Figure()
    longest = histogram.largest_microseconds / 1e6
    return Figure(value=longest, low=longest, high=math.inf if censored.count else longest)


def _judged(gate: Gate, figure: Figure) -> Verdict:
    if figure.low is None or figure.high is None:
        return Verdict.INCONCLUSIVE
    worst, best = (figure.high, figure.low) if gate.wants_less else (figure.low, figure.high)
    if gate.holds(worst):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE if gate.holds(best) else Verdict.FAIL


def _judged_percentile(measured: Measured, gate: Gate, figure: Figure) -> Verdict:
    """Judge the share that takes longer, and the interval of the percentile itself: both must agree."""
    histogram = _histogram(measured, gate)
    slower = measured.exceeding(histogram, gate.limit, censored=_censored(measured, gate))
    if (
        gate.share is None
        or slower.low is None
        or slower.high is None
        or histogram.estimate(gate.share) is None
    ):
        return Verdict.INCONCLUSIVE
    allowed = 1 - gate.share
    is_below, is_above = slower.high < allowed, slower.low > allowed
    if not (is_below or is_above):
        return Verdict.INCONCLUSIVE
    own = _judged(gate, figure) if figure.low is not None else None
    judged = Verdict.PASS if is_below == gate.wants_less else Verdict.FAIL
    return judged if own in (judged, None) else Verdict.INCONCLUSIVE


def _name(gate: Gate) -> str:
    if gate.metric == "hit_ratio":
        return f"hit_ratio.{gate.tier}" if gate.tier else "hit_ratio"
    scope = gate.endpoint or (_SHORT.get(gate.tier, gate.tier) if gate.tier else None)
    if scope is None and gate.clock != "response":
        scope = gate.clock
    return f"{scope}.{gate.metric}" if scope else gate.metric
