"""Which of two stored loads is better: the runs checked for being comparable, then their blocks compared."""

import math
from collections.abc import Sequence

from opsctl.bench.compare import RunComparison, comparable_or_raise, compare_runs
from opsctl.bench.load.compare import compare_units, conclude
from opsctl.bench.load.comparison import LoadComparison, Pairing
from opsctl.bench.load.metrics import Metric
from opsctl.bench.load.series import Unit
from opsctl.bench.load.stored import units_of
from opsctl.bench.registry import StoredLatencyRun, StoredLoadRun, StoredRun
from opsctl.core.errors import InconclusiveError, UsageError
from opsctl.core.findings import Finding
from opsctl.evidence.model import Verdict


def compare_any(
    first: StoredRun,
    second: StoredRun,
    *,
    noise_floor: float,
    anyway: bool = False,
    metrics: Sequence[Metric] = (),
) -> RunComparison | LoadComparison:
    """Compare two runs of the same kind.

    Raises:
        UsageError: BEN065 for two kinds of runs, or a run with itself; BEN006 when the runs share no arm.
        InconclusiveError: BEN007, BEN008 or BEN068 when they cannot be compared.
    """
    if first.id == second.id:
        raise UsageError(
            f"both names mean run `{first.id}`",
            code="BEN065",
            why="a run is always like itself",
            fix="name another: opsctl bench list",
        )
    if isinstance(first, StoredLoadRun) and isinstance(second, StoredLoadRun):
        return compare_loads(
            first, second, noise_floor=noise_floor, anyway=anyway, metrics=metrics or tuple(Metric)
        )
    if isinstance(first, StoredLatencyRun) and isinstance(second, StoredLatencyRun) and not metrics:
        return compare_runs(first, second, noise_floor=noise_floor, anyway=anyway)
    raise UsageError(
        f"a {first.kind} run and a {second.kind} run do not compare"
        if first.kind != second.kind
        else "`--metric` chooses among those of load runs",
        code="BEN065",
        why=f"`{first.id}` is a {first.kind} run, `{second.id}` is a {second.kind} run",
        fix="name two of one kind: opsctl bench list",
    )


def compare_loads(
    first: StoredLoadRun,
    second: StoredLoadRun,
    *,
    noise_floor: float,
    anyway: bool = False,
    metrics: Sequence[Metric] = tuple(Metric),
) -> LoadComparison:
    """Compare two loads that were sent one after the other.

    Second i of one is paired with second i of the other where both sent the same plan, so that the plan's own ups and
    downs do not count as noise. What changes between runs without a cause (a neighbour of the machine, another
    placement of memory) cannot be seen from inside two runs: `--interleaved` sees it.

    Raises:
        InconclusiveError: BEN007 for an invalid run, BEN008 for different conditions, BEN068 without blocks.
    """
    differences = comparable_or_raise(first, second, anyway=anyway)
    sides = [_units(run) for run in (first, second)]
    same_plan = first.load.plan_digest == second.load.plan_digest
    changes = compare_units(
        sides[0],
        sides[1],
        noise_floor=noise_floor,
        pairing=Pairing.BY_PLAN if same_plan and _same_clock(sides[0], sides[1]) else Pairing.APART,
        metrics=metrics,
    )
    return LoadComparison(
        first=first.id,
        second=second.id,
        differences=tuple(differences),
        noise_floor=noise_floor,
        changes=changes,
        verdict=conclude(changes),
        commits=(first.load.git_commit, second.load.git_commit),
    )


def refused(
    first: StoredLoadRun, second: StoredLoadRun, *, noise_floor: float, why: Finding
) -> LoadComparison:
    """Return the comparison of two loads that cannot be compared: it says why, and cannot tell."""
    return LoadComparison(
        first=first.id,
        second=second.id,
        differences=tuple(first.fingerprint.differences(second.fingerprint)),
        noise_floor=noise_floor,
        changes=(),
        verdict=Verdict.INCONCLUSIVE,
        commits=(first.load.git_commit, second.load.git_commit),
        refusal=why,
    )


def _same_clock(first: Sequence[Unit], second: Sequence[Unit]) -> bool:
    """Tell whether unit i of both has the same length; an aborted run is only shorter."""
    return all(
        math.isclose(one.seconds, two.seconds, rel_tol=0.05)
        for one, two in zip(first[:-1], second[:-1], strict=False)
    )


def _units(run: StoredLoadRun) -> list[Unit]:
    try:
        units = units_of(run.load)
    except (ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
    else:
        if units:
            return units
        why = "its engine kept no histogram of each second"
    raise InconclusiveError(
        f"run `{run.id}` has no blocks to compare by",
        code="BEN068",
        why=why,
        fix="measure again: opsctl bench load",
    )
