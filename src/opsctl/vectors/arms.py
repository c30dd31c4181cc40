"""What is compared, how, and what was seen: the arms of a measurement, its plan and its samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsctl.core.findings import Finding, Severity
from opsctl.vectors.host import HostReport
from opsctl.vectors.queries import QuerySet
from opsctl.vectors.search import Search
from opsctl.vectors.state import SideState
from opsctl.vectors.validity import Limits

if TYPE_CHECKING:
    import numpy as np

    from opsctl.vectors.filters import FilterSpec

_BLOCK_QUERIES = 20
_WANTED_BLOCKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to answer a query: where it is asked and how."""

    name: str
    collection: str
    filter: "FilterSpec | None" = None
    acorn: bool = False
    hnsw_ef: int | None = None

    def search(self, vector: Sequence[float], *, limit: int, exact: bool = False) -> Search:
        """Return the search that this arm makes of a query vector."""
        return Search(
            collection=self.collection,
            vector=vector,
            limit=limit,
            filter=self.filter,
            exact=exact,
            acorn=self.acorn and not exact,
            hnsw_ef=None if exact else self.hnsw_ef,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurePlan:
    """What is measured: the arms, the first of them the baseline, and the exact search that is the truth.

    Args:
        subject: what events call the measurement.
        arms: the ways to compare; the last one is asked twice in every round (the A/A control).
        truth: an arm whose exact answers are the truth of all arms.
        queries: the query vectors; they are gone through again when more are wanted.
        wanted: measured queries for each arm.
        deadline_seconds: stop earlier after this time, at the end of a block.
        truth_queries: queries whose recall is measured.
    """

    subject: str
    arms: tuple[Arm, ...]
    truth: Arm
    queries: QuerySet
    limit: int = 10
    wanted: int = 2000
    deadline_seconds: float = math.inf
    warm_up: int = 50
    truth_queries: int = 500
    limits: Limits = field(default_factory=Limits)

    @property
    def block_queries(self) -> int:
        """Return the queries of a block: twenty, or fewer so that a short run still has twenty blocks."""
        return max(1, min(_BLOCK_QUERIES, self.wanted // _WANTED_BLOCKS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSamples:
    """What was measured of one arm: nanoseconds with one row a block, recall for each query with a truth."""

    arm: Arm
    engine_ns: "np.ndarray"
    client_ns: "np.ndarray"
    recalls: tuple[float, ...] = ()
    empty_answers: int = 0

    @property
    def size(self) -> int:
        """Return the number of measured queries."""
        return int(self.engine_ns.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A whole run: samples by arm, the control, and everything that makes the run worthless."""

    plan: MeasurePlan
    arms: tuple[ArmSamples, ...]
    control: ArmSamples
    states: tuple[SideState, ...]
    host: HostReport
    empty_truths: int
    duration_seconds: float
    problems: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        """Tell whether the figures may be compared at all."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    def of(self, name: str) -> ArmSamples:
        """Return the samples of an arm by name."""
        return next(samples for samples in self.arms if samples.arm.name == name)
