"""What makes a measurement worthless: a side that changed, a noisy machine, a starved client."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsctl.core.findings import Finding, Severity
from opsctl.vectors.host import HostReport
from opsctl.vectors.state import SideState
from opsctl.vectors.statistics import ratio_of_quantiles

if TYPE_CHECKING:
    import numpy as np

_CONTROL_SEED = 20_240_601


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much disturbance a run may have.

    Args:
        noise_floor: the same arm asked twice must agree within this share; effects below it are not claimed.
        starved_share: share of time in which the client may be without a CPU that it wants.
        recall_margin: recalls that differ by less are equal.
        allow_noise: a noisy machine (BEN003, BEN004) is a warning and does not make the run invalid.
    """

    noise_floor: float = 0.05
    starved_share: float = 0.25
    recall_margin: float = 0.01
    allow_noise: bool = False

    @property
    def noise_severity(self) -> Severity:
        """Return how bad noise is: an error makes the run invalid."""
        return Severity.WARNING if self.allow_noise else Severity.ERROR


def changes(before: Sequence[SideState], after: Sequence[SideState]) -> list[Finding]:
    """Return a BEN002 for each collection whose points, parameters or rest changed during the run."""
    findings = []
    for first, last in zip(before, after, strict=True):
        if first == last:
            continue
        if first.points != last.points:
            seen = f"{first.points:,} points before, {last.points:,} after"
        elif first.config_digest != last.config_digest:
            seen = "its parameters changed"
        else:
            seen = f"it was {first.status} before and is {last.status}{'' if last.is_idle else ', busy'} now"
        title = f"`{first.collection}` changed during the run"
        findings.append(_problem("BEN002", title, seen=seen, fix="stop the writers, then measure again"))
    return findings


def host_problems(report: HostReport, *, limits: Limits) -> list[Finding]:
    """Return a BEN004 when the client did not get the CPU it asked for."""
    if report.starved_share <= limits.starved_share:
        return []
    return [
        _problem(
            "BEN004",
            "the measuring process was starved of CPU",
            severity=limits.noise_severity,
            seen=f"{report.starved_share:.0%} of the time it wanted to run, load {report.load_per_core:.1f} a core",
            fix="end other work on this machine, or measure from another one",
        )
    ]


def noise_problems(first: "np.ndarray", second: "np.ndarray", *, limits: Limits) -> list[Finding]:
    """Return a BEN003 when one arm, measured twice, differs from itself by more than the noise floor."""
    control = ratio_of_quantiles(first, second, 0.5, seed=_CONTROL_SEED)
    if control is None or not control.is_beyond(limits.noise_floor):
        return []
    return [
        _problem(
            "BEN003",
            "the machine is too noisy: the same search measured twice differs from itself",
            severity=limits.noise_severity,
            seen=f"ratio {control.value:.3f}, 95 % interval {control.low:.3f} to {control.high:.3f}",
            fix="end other work on this machine, or allow more with --noise-floor",
        )
    ]


def _problem(code: str, title: str, *, seen: str, fix: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(code=code, severity=severity, title=title, evidence=seen, fix=fix)
