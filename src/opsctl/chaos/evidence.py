"""What of a drill goes into the ledger: its figures, and the digest of the book that was held."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opsctl.chaos.judge_alerts import detected_seconds
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.plan import forecast_minutes
from opsctl.chaos.report import DrillReport
from opsctl.chaos.sample import Phase
from opsctl.chaos.verdict import DrillVerdict, Outcome
from opsctl.evidence.model import Evidence, Verdict

EVIDENCE_KIND = "chaos.drill"

# Services change with the code around them; a drill of last month says little.
VALID_FOR = timedelta(days=30)

_VERDICTS = {
    Outcome.HELD: Verdict.PASS,
    Outcome.DEVIATED: Verdict.FAIL,
    Outcome.RESIDUE: Verdict.FAIL,
    Outcome.INCONCLUSIVE: Verdict.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """With which programs a drill was held, from which commit, and what was simulated."""

    tools: Mapping[str, str]
    simulated: tuple[str, ...] = ()
    git_commit: str | None = None


def drill_evidence(
    named: NamedDrill, *, report: DrillReport, verdict: DrillVerdict, circumstances: Circumstances
) -> Evidence:
    """Return the evidence of one drill."""
    return Evidence(
        kind=EVIDENCE_KIND,
        subject=named.name,
        verdict=_VERDICTS[verdict.outcome],
        figures=_figures(named, report, verdict),
        inputs={"drill": named.digest},
        tools=circumstances.tools,
        started_at=datetime.fromtimestamp(report.started_at, tz=UTC),
        duration_seconds=round(report.seconds, 1),
        valid_for=VALID_FOR,
        simulated=circumstances.simulated,
        git_commit=circumstances.git_commit,
    )


def _figures(
    named: NamedDrill, report: DrillReport, verdict: DrillVerdict
) -> dict[str, str | int | float | None]:
    during, before = report.phase(Phase.FAULT), report.phase(Phase.BASELINE)
    detected = [detected_seconds(alert, report) for alert in named.drill.expect.alerts]
    known = [seconds for seconds in detected if seconds is not None]
    return {
        "outcome": str(verdict.outcome),
        "control": str(report.control),
        "faults": ", ".join(dict.fromkeys(part.fault for part in named.drill.parts)) or "none",
        "catalogue": ", ".join(str(row) for row in named.drill.catalogue) or "none",
        "requests": during.number,
        "availability": _rounded(during.availability),
        "baseline_availability": _rounded(before.availability),
        "p99_seconds": _rounded(during.p99_seconds),
        "baseline_p99_seconds": _rounded(before.p99_seconds),
        "tiers": ", ".join(f"{tier} {number}" for tier, number in during.tiers.items()) or "none",
        "detected_seconds": max(known) if known and len(known) == len(detected) else None,
        "recovered_seconds": report.recovered_seconds,
        "tier_recovered_seconds": report.tier_recovered_seconds,
        "mitigated_seconds": report.mitigation.ended_seconds if report.mitigation else None,
        "forecast_minutes": round(forecast_minutes(named.drill), 3),
        "spent_minutes": None if report.spent_minutes is None else round(report.spent_minutes, 3),
        "residue": "; ".join((*report.undo_failures, *report.residue)) or "none",
        "reasons": "; ".join(reason.text for reason in verdict.reasons) or "none",
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
