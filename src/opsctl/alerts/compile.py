"""What do all books become together: rules with labels, annotations, receivers and predictions."""

import math
from collections.abc import Callable, Iterator
from typing import TypedDict

from opsctl.alerts import slo
from opsctl.alerts.book import Alert, BurnTier, Drill, Objective, PanelReference
from opsctl.alerts.detection import Intervals, predict_alert, predict_tier
from opsctl.alerts.expressions import alert_expression, signal_expression
from opsctl.alerts.load import AlertBooks, LoadedBook
from opsctl.alerts.muting import ABSENT, with_muting
from opsctl.alerts.rules import AlertRule, RecordingRule, RuleSet
from opsctl.alerts.severity import AlertSeverity
from opsctl.alerts.signals import (
    AgeSignal,
    LevelSignal,
    MeanSignal,
    QuantileSignal,
    RateSignal,
    RatioSignal,
    ShareSignal,
)
from opsctl.alerts.target import Target
from opsctl.core.findings import Location
from opsctl.core.units import parse_duration

PanelIds = Callable[[str, str], int]
"""Gives the number of a panel from its dashboard's name and its own key."""

GENERATED_DASHBOARD = "alerts"
"""Where the panel of an alert is that names none; its key is the name of the alert in small letters."""

_ABSENT_FOR_SECONDS = 60.0
_WITH_LABELS = (RatioSignal, QuantileSignal, MeanSignal, RateSignal, LevelSignal, ShareSignal, AgeSignal)


def compile_rules(books: AlertBooks, *, target: Target, panel_ids: PanelIds | None = None) -> RuleSet:
    """Return all rules of all books, in the order of the books and of their rules.

    Raises:
        ValueError: a selector is none; lint says where before anybody compiles.
    """
    compiler = _Compiler(books, target=target, panel_ids=panel_ids)
    alerts: list[AlertRule] = []
    recordings: list[RecordingRule] = []
    for loaded in books.books:
        for name, rule in loaded.book.rules.items():
            if isinstance(rule, Objective):
                recordings += compiler.recordings(name, rule, loaded=loaded)
                alerts += compiler.objective(name, rule, loaded=loaded)
            else:
                alerts.append(compiler.alert(name, rule, loaded=loaded))
    return RuleSet(alerts=with_muting(alerts), recordings=tuple(recordings))


def comparison_of(alert: Alert) -> tuple[str, float | None]:
    """Return the operator and the threshold of an alert; neither where there is nothing to compare."""
    if alert.above is not None:
        return ">", alert.above
    return ("<", alert.below) if alert.below is not None else ("", None)


def labels_kept(alert: Alert) -> tuple[str, ...]:
    """Return the labels of the series that an alert keeps."""
    return tuple(alert.signal.by) if isinstance(alert.signal, _WITH_LABELS) else ()


class _Common(TypedDict):
    """What every alert of a rule has."""

    name: str
    rule: str
    severity: AlertSeverity
    receivers: tuple[str, ...]
    runbook: str
    location: Location
    panel: PanelReference | None
    drill: Drill | None
    undrilled: str | None


class _Compiler:
    """Knows what is the same for all rules."""

    def __init__(self, books: AlertBooks, *, target: Target, panel_ids: PanelIds | None) -> None:
        self._delivery = books.delivery
        self._target = target
        self._panel_ids = panel_ids
        self._intervals = Intervals.of(books.delivery.timing)

    def alert(self, name: str, alert: Alert, *, loaded: LoadedBook) -> AlertRule:
        """Return the rule of one alert."""
        operator, threshold = comparison_of(alert)
        return AlertRule(
            **self._common(name, alert, loaded=loaded, name=name, severity=alert.severity),
            group=loaded.name,
            expr=alert_expression(
                alert.signal, comparison=operator, threshold=threshold, target=self._target
            ),
            signal_expr=signal_expression(alert.signal, comparison=operator, target=self._target),
            for_seconds=parse_duration(alert.for_),
            keep_firing_for_seconds=parse_duration(alert.keep_firing_for) if alert.keep_firing_for else None,
            labels=self._labels(alert, alert.severity, loaded=loaded),
            annotations=self._annotations(name, alert, alert=name, by=labels_kept(alert)),
            detect_within_seconds=parse_duration(alert.detect_within),
            threshold=threshold,
            comparison=operator,
            inhibited_by=tuple(alert.inhibited_by),
            predicted_seconds=predict_alert(alert, intervals=self._intervals),
        )

    def recordings(self, name: str, objective: Objective, *, loaded: LoadedBook) -> Iterator[RecordingRule]:
        """Return the recorded series of an objective."""
        return slo.recordings(
            name,
            objective,
            service=loaded.book.service,
            group=_group(loaded, name),
            target=self._target,
        )

    def objective(self, name: str, objective: Objective, *, loaded: LoadedBook) -> Iterator[AlertRule]:
        """Yield an alert a tier, and the one for an indicator that is missing."""
        for tier_name, tier in objective.tiers.items():
            yield self._tier(name, objective, tier_name, tier, loaded=loaded)
        yield self._absent(name, objective, loaded=loaded)

    def _tier(
        self, name: str, objective: Objective, tier_name: str, tier: BurnTier, *, loaded: LoadedBook
    ) -> AlertRule:
        service = loaded.book.service
        predicted = predict_tier(objective, tier, intervals=self._intervals)
        windows = {"slo": name, "window_long": tier.long, "window_short": tier.short}
        return AlertRule(
            **self._common(
                name, objective, loaded=loaded, name=f"{name}_burn_{tier_name}", severity=tier.severity
            ),
            group=_group(loaded, name),
            tier=tier_name,
            expr=slo.burn_expression(name, objective, tier, service=service, target=self._target),
            signal_expr=slo.burn_rate(name, objective, tier, service=service),
            for_seconds=parse_duration(tier.for_),
            labels=self._labels(objective, tier.severity, loaded=loaded) | windows,
            annotations=self._annotations(name, objective, alert=f"{name}_burn_{tier_name}", by=()),
            detect_within_seconds=_tier_within(objective, tier, predicted=predicted),
            threshold=tier.factor,
            comparison=">",
            inhibited_by=tuple(objective.inhibited_by),
            predicted_seconds=predicted,
        )

    def _absent(self, name: str, objective: Objective, *, loaded: LoadedBook) -> AlertRule:
        severity = AlertSeverity.WARNING
        texts = {
            "summary": f"What {name} is measured by is missing.",
            "description": "There is no series at all from which the objective is calculated.",
            "impact": "The error budget is not watched; its alerts cannot fire.",
        }
        common = self._common(name, objective, loaded=loaded, name=f"{name}_{ABSENT}", severity=severity)
        common["drill"] = None
        common["undrilled"] = (
            "A service without this metric cannot be made by a fault; its unit test has none."
        )
        return AlertRule(
            **common,
            group=_group(loaded, name),
            tier=ABSENT,
            expr=slo.absent_expression(objective, target=self._target),
            signal_expr=slo.absent_expression(objective, target=self._target),
            for_seconds=_ABSENT_FOR_SECONDS,
            labels=self._labels(objective, severity, loaded=loaded) | {"slo": name},
            annotations=self._annotations(name, objective, alert=f"{name}_{ABSENT}", by=()) | texts,
            detect_within_seconds=self._intervals.added(_ABSENT_FOR_SECONDS),
            predicted_seconds=None,
        )

    def _common(
        self,
        rule: str,
        source: Alert | Objective,
        *,
        loaded: LoadedBook,
        name: str,
        severity: AlertSeverity,
    ) -> _Common:
        return {
            "name": name,
            "rule": rule,
            "severity": severity,
            "receivers": self._receivers(source, name=name, severity=severity),
            "runbook": _runbook(rule, source),
            "location": loaded.source.place("rules", rule, of_key=True),
            "panel": source.panel,
            "drill": source.drill,
            "undrilled": source.undrilled,
        }

    def _receivers(self, source: Alert | Objective, *, name: str, severity: AlertSeverity) -> tuple[str, ...]:
        if name == WATCHDOG:
            return (self._delivery.watchdog,)
        return tuple(source.notify) or tuple(
            self._delivery.by_severity.get(severity, [self._delivery.catch_all])
        )

    def _labels(
        self, source: Alert | Objective, severity: AlertSeverity, *, loaded: LoadedBook
    ) -> dict[str, str]:
        own = {"severity": str(severity), "service": loaded.book.service, "team": loaded.book.team}
        return own | source.labels

    def _annotations(
        self, rule: str, source: Alert | Objective, *, alert: str, by: tuple[str, ...]
    ) -> dict[str, str]:
        texts = {"summary": source.summary, "description": source.description, "impact": source.impact}
        runbook = _runbook(rule, source)
        base = self._delivery.runbook_url
        links = {"runbook_url": f"{base.rstrip('/')}/{runbook}" if base else runbook}
        if source.drill is not None:
            links["drill"] = source.drill.fault
        return texts | links | self._panel_links(alert, source.panel, by=by)

    def _panel_links(
        self, alert: str, panel: PanelReference | None, *, by: tuple[str, ...]
    ) -> dict[str, str]:
        if self._panel_ids is None:
            return {}
        shown = panel or PanelReference(dashboard=GENERATED_DASHBOARD, panel=alert.lower())
        uid, number = f"opsctl-{shown.dashboard}", str(self._panel_ids(shown.dashboard, shown.panel))
        links = {"__dashboardUid__": uid, "__panelId__": number}
        if self._delivery.dashboard_url is not None:
            chosen = "".join(f"&var-{label}={{{{ $labels.{label} }}}}" for label in by)
            base = self._delivery.dashboard_url.rstrip("/")
            links["dashboard_url"] = f"{base}/d/{uid}?viewPanel={number}{chosen}"
        return links


WATCHDOG = "Watchdog"
"""The alert that always fires and has a receiver of its own."""


def _group(loaded: LoadedBook, name: str) -> str:
    return f"{loaded.name}:{name}"


def _runbook(rule: str, source: Alert | Objective) -> str:
    return source.runbook or f"{rule}.md"


def _tier_within(objective: Objective, tier: BurnTier, *, predicted: float | None) -> float:
    """Return the tier's own time; else the objective's for pages, and what it takes by arithmetic for tickets."""
    if tier.detect_within is not None:
        return parse_duration(tier.detect_within)
    own = parse_duration(objective.detect_within)
    if tier.severity is AlertSeverity.CRITICAL or predicted is None or math.isinf(predicted):
        return own
    return max(own, float(math.ceil(predicted)))
