"""What does a tally say as figures of a report: percentiles, points in time, stages and histograms?"""

from collections.abc import Mapping, Sequence
from typing import Any

from opsctl.bench.load.gates import Gate
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.measured import Measured
from opsctl.bench.load.model import Percentiles, Point
from opsctl.bench.load.ports import EngineResult
from opsctl.bench.load.tally import Block, Tally, Tier
from opsctl.core.quantiles import QuantileEstimate

SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


def latencies_of(total: Tally, measured: Measured, *, gates: Sequence[Gate]) -> dict[str, Any]:
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


def stages_of(total: Tally) -> dict[str, dict[str, float]]:
    """Return the mean seconds of each stage by tier."""
    return {
        tier: {stage: time.seconds / time.answers for stage, time in stages.items() if time.answers}
        for tier, stages in total.stages.items()
    }


def sender_figures(result: EngineResult) -> dict[str, float]:
    """Return what the sender itself used and how late it was."""
    return {
        "cpu_cores": result.cpu_cores,
        "starved_share": result.starved_share,
        "resident_bytes": float(result.resident_bytes),
    }


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


def points_of(total: Tally, *, seconds: float) -> list[Point]:
    """Return a point for each block of seconds."""
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


def histograms_of(total: Tally) -> dict[str, Mapping[str, object]]:
    """Return the histograms that a stored run keeps, by clock and tier."""
    named = {"response": total.timings.response, "service": total.timings.service}
    named |= {f"response.{tier}": histogram for tier, histogram in total.tiers.items() if tier != Tier.NONE}
    return {name: histogram.to_sparse() for name, histogram in named.items()}
