"""Where did the time of an answer go: the stages that the service tells, one after another, and the rest."""

from dataclasses import dataclass

from opsctl.bench.load.model import LoadReport

ENTIRE = "edge"
"""The stage of `Server-Timing` that holds all others: from when the service read a request to its answer."""

REST_INSIDE = "edge, the rest"
OUTSIDE = "outside the service"
"""Waiting for a connection, the way there and back, the sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One stage: when it begins in the mean answer, and how long it takes."""

    name: str
    begins_seconds: float
    seconds: float


def waterfall(report: LoadReport, tier: str) -> tuple[Bar, ...]:
    """Return the mean answer of a tier cut into stages; empty where the service tells none.

    Stages are drawn one after another in the order in which the service names them. Means over sampled answers
    need not add up to the mean of all, so the part outside is left out when nothing remains for it.
    """
    stages = report.stages.get(tier)
    if not stages:
        return ()
    parts = {name: seconds for name, seconds in stages.items() if name != ENTIRE}
    inside = sum(parts.values())
    if stages.get(ENTIRE, 0.0) > inside:
        rest = REST_INSIDE if parts else ENTIRE
        parts[rest] = stages[ENTIRE] - inside
        inside = stages[ENTIRE]
    whole = report.tiers[tier].mean_seconds if tier in report.tiers else inside
    if whole > inside:
        parts[OUTSIDE] = whole - inside
    bars, begins = [], 0.0
    for name, seconds in parts.items():
        bars.append(Bar(name=name, begins_seconds=begins, seconds=seconds))
        begins += seconds
    return tuple(bars)
