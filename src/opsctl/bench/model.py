"""What is benchmarked, and what came of it: targets, budgets and reports of `opsctl bench`."""

from dataclasses import dataclass

from opsctl.core.findings import Finding
from opsctl.evidence.model import Verdict
from opsctl.vectors.arms import Measurement
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.host import HostReport
from opsctl.vectors.state import SideState
from opsctl.vectors.summary import ArmComparison, ArmSummary

SOURCE, DERIVED, UNINDEXED = "source", "derived", "unindexed"
"""Names of the arms of `bench latency`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One derived collection beside its source, with the budgets that the book gives it."""

    name: str
    source: str
    derived: str
    filter: FilterSpec
    recall_budget: float | None = None
    p95_budget_seconds: float | None = None
    unindexed: str | None = None
    """A copy of the source without payload indexes, where one was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCheck:
    """One budget beside what was measured; inconclusive when the interval holds the budget inside."""

    name: str
    budget: float
    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyReport:
    """What `bench latency` found for one target."""

    subject: str
    filter: str
    limit: int
    queries: str
    query_digest: str
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[ArmComparison, ...]
    checks: tuple[BudgetCheck, ...]
    states: tuple[SideState, ...]
    host: HostReport
    problems: tuple[Finding, ...]
    duration_seconds: float
    verdict: Verdict

    def comparison(self, *, baseline: str, clock: str, share: float) -> ArmComparison:
        """Return the comparison of one arm with the derived collection."""
        return next(
            each
            for each in self.comparisons
            if (each.baseline, each.clock, each.quantile) == (baseline, clock, share)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRun:
    """A report with the samples it was made from."""

    report: LatencyReport
    measurement: Measurement
