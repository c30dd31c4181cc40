"""Did it become faster or slower between two runs, or can these runs not tell: run against run."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.bench.registry import StoredLatencyRun, StoredRun
from opsctl.core.errors import InconclusiveError, UsageError
from opsctl.evidence.model import Verdict
from opsctl.vectors.rank_test import mann_whitney
from opsctl.vectors.statistics import Comparison, Ratio, blocks_needed, judge, ratio_of_independent

if TYPE_CHECKING:
    import numpy as np

ALPHA = 0.01
"""Two tests (p50 and p95) on a few arms: stricter than 5 %, so that a nightly job does not cry wolf each week."""

_CONTROL = "control"
_SEED = 20_240_603
_SHARES = (0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmChange:
    """How one quantile of one arm changed from the first run to the second; above 1 the second is faster."""

    arm: str
    clock: str
    quantile: float
    ratio: Ratio | None
    p_value: float | None
    verdict: Comparison
    queries_needed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """Two runs side by side."""

    first: str
    second: str
    differences: tuple[tuple[str, str, str], ...]
    noise_floor: float
    changes: tuple[ArmChange, ...]
    verdict: Verdict


def compare_runs(
    first: StoredLatencyRun, second: StoredLatencyRun, *, noise_floor: float, anyway: bool = False
) -> RunComparison:
    """Compare the engine times of every arm that both runs have.

    A change counts when it is significant twice (Mann-Whitney on the blocks' own quantiles, and the block
    bootstrap interval without 1) and larger than the noise floor, the A/A difference of either run included.

    Raises:
        UsageError: BEN006 when the runs share no arm.
        InconclusiveError: BEN007 for an invalid run, BEN008 for different machines, data or queries.
    """
    arms = [arm for arm in first.arms if arm in second.arms and arm != _CONTROL]
    if not arms:
        raise UsageError(
            f"`{first.id}` and `{second.id}` have no arm in common",
            code="BEN006",
            fix="see what each measured: opsctl bench list",
        )
    differences = comparable_or_raise(first, second, anyway=anyway)
    floor = max(noise_floor, _own_noise(first), _own_noise(second))
    changes = tuple(
        _change(arm, share, first=first.engine_ns[arm], second=second.engine_ns[arm], floor=floor)
        for arm in arms
        for share in _SHARES
    )
    return RunComparison(
        first=first.id,
        second=second.id,
        differences=tuple(differences),
        noise_floor=floor,
        changes=changes,
        verdict=_conclude(changes),
    )


def comparable_or_raise(first: StoredRun, second: StoredRun, *, anyway: bool) -> list[tuple[str, str, str]]:
    """Return in what two runs differ that should be alike; nothing, unless `anyway` lets it pass.

    Raises:
        InconclusiveError: BEN007 for an invalid run, BEN008 for different machines, data, plans or queries.
    """
    for run in (first, second):
        _require_valid(run)
    differences = first.fingerprint.differences(second.fingerprint)
    if differences and not anyway:
        raise _different(first, second, differences)
    return differences


def _change(arm: str, share: float, *, first: "np.ndarray", second: "np.ndarray", floor: float) -> ArmChange:
    import numpy as np

    ratio = ratio_of_independent(first, second, share, seed=_SEED, confidence=1 - ALPHA)
    test = mann_whitney(np.quantile(first, share, axis=1), np.quantile(second, share, axis=1))
    verdict = judge(ratio, floor=floor)
    if verdict in (Comparison.BETTER, Comparison.WORSE) and test.p_value >= ALPHA:
        verdict = Comparison.CANNOT_TELL
    blocks, size = first.shape
    needed = (
        blocks_needed(ratio, blocks=blocks, effect=floor) * size
        if ratio is not None and verdict is Comparison.CANNOT_TELL
        else None
    )
    return ArmChange(
        arm=arm,
        clock="engine",
        quantile=share,
        ratio=ratio,
        p_value=test.p_value,
        verdict=verdict,
        queries_needed=needed,
    )


def _conclude(changes: tuple[ArmChange, ...]) -> Verdict:
    """A slower arm is bad whatever the others do; otherwise every arm must have an answer."""
    verdicts = {change.verdict for change in changes}
    if Comparison.WORSE in verdicts:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE if Comparison.CANNOT_TELL in verdicts else Verdict.PASS


def _own_noise(run: StoredLatencyRun) -> float:
    """Return how far the run's last arm was from its own control at the median."""
    import numpy as np

    arms = [arm for arm in run.arms if arm != _CONTROL]
    if _CONTROL not in run.engine_ns or not arms:
        return 0.0
    medians = [float(np.median(run.engine_ns[arm])) for arm in (arms[-1], _CONTROL)]
    return math.expm1(abs(math.log(medians[0] / medians[1]))) if min(medians) > 0 else 0.0


def _require_valid(run: StoredRun) -> None:
    bad = [problem for problem in run.report["problems"] if problem["severity"] == "error"]
    if bad:
        raise InconclusiveError(
            f"run `{run.id}` is invalid and compares with nothing",
            code="BEN007",
            why="; ".join(problem["title"] for problem in bad),
            fix=f"measure again: opsctl bench {run.kind}",
        )


def _different(
    first: StoredRun, second: StoredRun, differences: list[tuple[str, str, str]]
) -> InconclusiveError:
    told = "; ".join(f"{name}: {own} / {other}" for name, own, other in differences[:5])
    more = f" and {len(differences) - 5} more" if len(differences) > 5 else ""
    return InconclusiveError(
        f"runs `{first.id}` and `{second.id}` were not made under the same conditions",
        code="BEN008",
        why=f"{told}{more}",
        fix="measure both on one machine, with the same data and plan, or say --anyway",
    )
