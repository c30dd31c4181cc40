"""Which faults prove the chosen alerts: one drill a fault, however many alerts it raises."""

from collections.abc import Sequence

from opsctl.alerts.proving.model import Drill, ProofPlan
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.core.errors import UsageError

# A drill whose alert may take longer than this is none that anybody waits for.
LONGEST_DRILL_SECONDS = 600.0


def choose_alerts(rules: RuleSet, names: Sequence[str]) -> tuple[AlertRule, ...]:
    """Return the alerts of these names, which may be those of alerts or of rules; all when none is named.

    Raises:
        UsageError: ALR090 when a name is neither.
    """
    import difflib

    if not names:
        return rules.alerts
    known = {alert.name for alert in rules.alerts} | {alert.rule for alert in rules.alerts}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            raise UsageError(
                f"there is no alert `{name}`",
                code="ALR090",
                fix=f"did you mean `{close[0]}`?" if close else "`opsctl alerts list` shows all",
            )
    return tuple(alert for alert in rules.alerts if alert.name in names or alert.rule in names)


def plan_proofs(alerts: Sequence[AlertRule]) -> ProofPlan:
    """Group alerts by their fault, in the order in which faults are first named."""
    by_fault: dict[str, list[AlertRule]] = {}
    made_up = []
    for alert in alerts:
        if alert.drill is None or alert.detect_within_seconds > LONGEST_DRILL_SECONDS:
            made_up.append(alert)
        else:
            by_fault.setdefault(alert.drill.fault, []).append(alert)
    drills = tuple(Drill(fault=fault, alerts=tuple(those)) for fault, those in by_fault.items())
    return ProofPlan(drills=drills, made_up=tuple(made_up))


def without_muting(alerts: Sequence[AlertRule]) -> tuple[tuple[AlertRule, ...], ...]:
    """Return batches of alerts none of which mutes another, so that all of a batch can be sent at once."""
    batches: list[list[AlertRule]] = []
    for alert in alerts:
        fitting = next(
            (batch for batch in batches if not any(_mute(alert, each) for each in batch)),
            None,
        )
        if fitting is None:
            batches.append([alert])
        else:
            fitting.append(alert)
    return tuple(tuple(batch) for batch in batches)


def _mute(one: AlertRule, other: AlertRule) -> bool:
    """Tell whether one of two alerts mutes the other."""
    return other.name in one.inhibited_by or one.name in other.inhibited_by
