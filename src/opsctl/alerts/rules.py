"""What do books become: the rules as Prometheus gets them, with all that routes, tests, proofs and pages need of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsctl.alerts.book import Drill, PanelReference
from opsctl.alerts.severity import AlertSeverity
from opsctl.core.findings import Location
from opsctl.metrics.promql import Matcher, PromqlError, read_promql


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRule:
    """A series that is calculated beforehand, named `level:metric:operations`."""

    name: str
    group: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One alert of Prometheus.

    Args:
        name: label `alertname`.
        group: group of rules, which is evaluated in order.
        rule: name in the book; several alerts come from one objective.
        tier: of an objective: the tier's name, or `absent`.
        expr: whole PromQL, comparison and guards included.
        signal_expr: what is compared, for drawing; of a burn alert the burn rate of its long window.
        threshold: what the signal is compared with, for drawing; None where there is none.
        comparison: `>` or `<`; empty where there is none.
        labels: severity, service, team and more.
        receivers: who is told, resolved from the delivery book; empty for those that are only shown.
        runbook: file name in `docs/runbooks/`.
        location: of the rule's key in the book.
        inhibited_by: names of the alerts while which it is not sent.
        predicted_seconds: from the first bad event to the notification; None where no drill says how bad it gets.
    """

    name: str
    group: str
    rule: str
    expr: str
    signal_expr: str
    for_seconds: float
    severity: AlertSeverity
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    receivers: tuple[str, ...]
    runbook: str
    location: Location
    detect_within_seconds: float
    tier: str | None = None
    keep_firing_for_seconds: float | None = None
    threshold: float | None = None
    comparison: str = ""
    panel: PanelReference | None = None
    drill: Drill | None = None
    undrilled: str | None = None
    inhibited_by: tuple[str, ...] = ()
    predicted_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of all books, in the order in which they are rendered."""

    alerts: tuple[AlertRule, ...]
    recordings: tuple[RecordingRule, ...]

    def alert(self, name: str) -> AlertRule | None:
        """Return the alert of this name; None where there is none."""
        return next((alert for alert in self.alerts if alert.name == name), None)

    def of_rule(self, rule: str) -> tuple[AlertRule, ...]:
        """Return the alerts that came from one rule of a book."""
        return tuple(alert for alert in self.alerts if alert.rule == rule)

    def recordings_below(self, alert: AlertRule) -> tuple[RecordingRule, ...]:
        """Return the recordings from which an alert's value is made, with those that these read in turn."""
        found: list[RecordingRule] = []
        unread = [alert.expr]
        while unread:
            expr = unread.pop()
            new = [each for each in self.recordings if each not in found and _reads(expr, each)]
            found += new
            unread += [each.expr for each in new]
        return tuple(found)


def _reads(expr: str, recording: RecordingRule) -> bool:
    if recording.name not in expr:
        return False
    try:
        uses = read_promql(expr).uses
    except PromqlError:  # newer than the parser: its name alone must do
        return True
    return any(
        use.metric == recording.name and all(_may_match(each, recording) for each in use.matchers)
        for use in uses
    )


def _may_match(matcher: Matcher, recording: RecordingRule) -> bool:
    value = recording.labels.get(matcher.label)
    return matcher.operator != "=" or value is None or value == matcher.value
