"""What of a proof goes into the ledger: its figures, and the digest of the rule that was proven."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from opsctl.alerts.proving.model import EVIDENCE_KIND, QUIET, Proof, ProofLevel
from opsctl.alerts.proving.run import QuietDrill
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.evidence.model import Evidence, Verdict, digest_of

# Rules change with the code around them; a proof of last month says little.
VALID_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Under what a drill was held: when it began, how long all took, with which programs, and what was simulated."""

    started_at: datetime
    duration_seconds: float
    tools: Mapping[str, str]
    simulated: tuple[str, ...] = ()


def rule_digest(alert: AlertRule, rules: RuleSet) -> str:
    """Return what changes when the rule, its way or its drill changes, so that an old proof shows as one.

    A burn alert only names the ratios that it compares: what they measure is part of the rule too.
    """
    return digest_of(
        {
            "expr": alert.expr,
            "recordings": [
                [each.name, dict(each.labels), each.expr] for each in rules.recordings_below(alert)
            ],
            "for": alert.for_seconds,
            "keep_firing_for": alert.keep_firing_for_seconds,
            "detect_within": alert.detect_within_seconds,
            "labels": dict(alert.labels),
            "receivers": list(alert.receivers),
            "drill": [alert.drill.fault, alert.drill.share] if alert.drill else None,
        }
    )


def proof_evidence(
    proof: Proof, *, alert: AlertRule, rules: RuleSet, circumstances: Circumstances
) -> Evidence:
    """Return the evidence of one proof."""
    figures = {
        "level": str(proof.level),
        "fault": proof.fault or "none",
        "severity": proof.severity,
        "receivers": ", ".join(proof.receivers) or "none",
        "measured_seconds": proof.measured_seconds,
        "predicted_seconds": proof.predicted_seconds,
        "allowed_seconds": proof.allowed_seconds,
        "resolved_seconds": proof.resolved_seconds,
        "is_end_awaited": proof.is_end_awaited,
        "also_fired": ", ".join(proof.also_fired) or "none",
        "problems": "; ".join(proof.problems) or "none",
    }
    made_up = ("alert",) if proof.level is ProofLevel.MADE_UP else ()
    return _evidence(
        proof.alert,
        verdict=proof.verdict,
        figures=figures,
        inputs={"rule": rule_digest(alert, rules)},
        circumstances=circumstances,
        simulated=made_up,
    )


def rules_digest(rules: RuleSet) -> str:
    """Return what changes when any rule does, its way to a receiver and its drill included."""
    return digest_of({alert.name: rule_digest(alert, rules) for alert in rules.alerts})


def quiet_evidence(quiet: QuietDrill, *, rules: RuleSet, circumstances: Circumstances) -> Evidence:
    """Return the evidence that none of these alerts fires while nothing is broken."""
    return _evidence(
        QUIET,
        verdict=Verdict.FAIL if quiet.fired else Verdict.PASS,
        figures={"quiet_seconds": quiet.seconds, "fired": ", ".join(quiet.fired) or "none"},
        inputs={"rules": rules_digest(rules)},
        circumstances=circumstances,
    )


def _evidence(
    subject: str,
    *,
    verdict: Verdict,
    figures: Mapping[str, str | float | None],
    inputs: Mapping[str, str],
    circumstances: Circumstances,
    simulated: tuple[str, ...] = (),
) -> Evidence:
    return Evidence(
        kind=EVIDENCE_KIND,
        subject=subject,
        verdict=verdict,
        figures=figures,
        inputs=inputs,
        tools=circumstances.tools,
        started_at=circumstances.started_at,
        duration_seconds=round(circumstances.duration_seconds, 1),
        valid_for=VALID_FOR,
        simulated=(*circumstances.simulated, *simulated),
    )
