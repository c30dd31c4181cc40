"""Is each alert proven, lately, as it is now?"""

from collections.abc import Iterator, Sequence

from opsctl.alerts.lint.registry import CHECKS, LintContext
from opsctl.core.findings import Finding, Severity
from opsctl.core.lint_checks import Complaint

_UNPROVEN = "ALR041"
_DRILLED_LEVELS = frozenset({"arrived", "muted", "shown"})
_MOST_NAMES = 5


@CHECKS.check("ALR040")
def unknown_fault(context: LintContext) -> Iterator[Complaint]:
    """A drill names a fault that opsctl cannot make. `opsctl alerts prove --list` shows those that it can."""
    import difflib

    for loaded, name, rule in context.written():
        if rule.drill is not None and context.faults and rule.drill.fault not in context.faults:
            close = difflib.get_close_matches(rule.drill.fault, context.faults, n=1)
            yield Complaint(
                title=f"{name}: there is no fault `{rule.drill.fault}`",
                location=loaded.source.place("rules", name, "drill", "fault"),
                fix=f"did you mean `{close[0]}`?" if close else "`opsctl alerts prove --list` shows all",
            )


@CHECKS.check(_UNPROVEN, Severity.WARNING)
def unproven(context: LintContext) -> Iterator[Complaint]:
    """Nobody has shown that an alert fires and arrives: there is no proof, it failed, it is out of date, or of an older rule.

    `opsctl alerts prove NAME` breaks what the rule's drill names on a stack of its own, waits for the message at a sink,
    and keeps the measured time. A proof counts for 30 days, and only for the rule as it was: its expression with the
    recordings that this reads, its labels, times, receivers and drill are part of it.
    """
    if context.proofs is None:
        return
    for alert in context.rules.alerts:
        proof = context.proofs.get(alert.name)
        if proof is None:
            why = "never proven"
        elif not proof.passed:
            why = "the last proof failed"
        elif proof.expires_at <= context.now:
            why = f"the proof went stale on {proof.expires_at:%Y-%m-%d}"
        elif proof.rule_digest != context.digests.get(alert.name):
            why = "the proof is of an older version of the rule"
        elif alert.drill is not None and alert.tier in (None, "fast") and proof.level not in _DRILLED_LEVELS:
            why = f"only the way was proven ({proof.level}), although there is a drill"
        else:
            continue
        yield Complaint(
            title=f"{alert.name}: {why}",
            location=alert.location,
            fix=f"run `opsctl alerts prove {alert.name}`",
        )


def in_short(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings for a person: alerts that are unproven for the same reason as one, behind all others.

    In a new project that is every alert, and a page for each of them would hide what else is wrong.
    """
    others, alike = [], dict[str, list[Finding]]()
    for finding in findings:
        if finding.code == _UNPROVEN:
            alike.setdefault(finding.title.partition(": ")[2], []).append(finding)
        else:
            others.append(finding)
    return (*others, *(_as_one(reason, those) for reason, those in alike.items()))


def _as_one(reason: str, findings: Sequence[Finding]) -> Finding:
    if len(findings) == 1:
        return findings[0]
    names = [finding.title.partition(": ")[0] for finding in findings]
    few = len(names) <= _MOST_NAMES
    more = "" if few else f" and {len(names) - _MOST_NAMES} more: `opsctl alerts list` shows all"
    prove = f"run `opsctl alerts prove {' '.join(names)}`"
    return Finding(
        code=_UNPROVEN,
        severity=findings[0].severity,
        title=f"{len(names)} alerts: {reason}",
        evidence=", ".join(names[:_MOST_NAMES]) + more,
        fix=prove if few else "run `opsctl alerts prove`; with `--dry-run` it only says what it would break",
    )
