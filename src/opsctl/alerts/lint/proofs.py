"""Is each alert proven, lately, as it is now?"""

from collections.abc import Iterator

from opsctl.alerts.lint.registry import Complaint, LintContext, check
from opsctl.core.findings import Severity

_DRILLED_LEVELS = frozenset({"arrived", "muted", "shown"})


@check("ALR040")
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


@check("ALR041", Severity.WARNING)
def unproven(context: LintContext) -> Iterator[Complaint]:
    """Nobody has shown that an alert fires and arrives: there is no proof, it failed, it is out of date, or of an older rule.

    `opsctl alerts prove NAME` breaks what the rule's drill names on a stack of its own, waits for the message at a sink,
    and keeps the measured time. A proof counts for 30 days, and only for the rule as it was: its expression, labels, times
    and receivers are part of it.
    """
    if context.proofs is None:
        return
    for alert in context.rules.alerts:
        proof = context.proofs.get(alert.name)
        if proof is None:
            why = "it was never proven"
        elif not proof.passed:
            why = "its last proof failed"
        elif proof.expires_at <= context.now:
            why = f"its proof went stale on {proof.expires_at:%Y-%m-%d}"
        elif proof.rule_digest != context.digests.get(alert.name):
            why = "its proof is of an older version of the rule"
        elif alert.drill is not None and alert.tier in (None, "fast") and proof.level not in _DRILLED_LEVELS:
            why = f"only its way was proven ({proof.level}), although there is a drill"
        else:
            continue
        yield Complaint(
            title=f"{alert.name}: {why}",
            location=alert.location,
            fix=f"run `opsctl alerts prove {alert.name}`",
        )
