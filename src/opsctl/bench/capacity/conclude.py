"""What follows from the searches of all worker counts: the law, the need, the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.bench.capacity.model import Need, Target, WorkersResult
from opsctl.bench.capacity.need import need_of, throughput_of
from opsctl.bench.capacity.search import End
from opsctl.bench.capacity.usl import FEWEST_COUNTS, Efficiency, ScalabilityLaw, efficiency, fit_law
from opsctl.evidence.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What follows."""

    law: ScalabilityLaw | None
    efficiency: Efficiency | None
    need: Need | None
    verdict: Verdict


def conclude(results: Sequence[WorkersResult], *, target: Target) -> Conclusion:
    """Return the law where three counts allow one, the efficiency where two do, and what the target needs.

    The verdict is a pass where each search ended in an interval, or at the highest rate allowed; a fail where not even
    the lowest rate held and its steps showed it; otherwise nobody can tell.
    """
    points = [point for result in results if (point := throughput_of(result)) is not None]
    law = fit_law(points) if len({point.workers for point in points}) >= FEWEST_COUNTS else None
    ratio = efficiency(points) if law is None else None
    return Conclusion(
        law=law,
        efficiency=ratio,
        need=need_of(target, results=results, law=law, efficiency=ratio),
        verdict=_verdict(results),
    )


def _verdict(results: Sequence[WorkersResult]) -> Verdict:
    ends = {result.capacity.end for result in results}
    if End.FLOOR in ends:
        return Verdict.FAIL
    return Verdict.PASS if ends and ends <= {End.FOUND, End.CEILING} else Verdict.INCONCLUSIVE
