"""How do rules look in Prometheus' own files: one a book, recordings before the alerts that read them."""

from collections.abc import Mapping
from typing import Any

from opsctl.alerts.load import AlertBooks
from opsctl.alerts.promql_text import duration
from opsctl.alerts.rules import AlertRule, RecordingRule, RuleSet
from opsctl.alerts.yaml_text import yaml_text

HEAD = """Rendered from {sources} by `opsctl alerts render`; edit those, not this file."""


def render_rules(books: AlertBooks, rules: RuleSet) -> Mapping[str, str]:
    """Return the text of each rule file by the name of its book."""
    every = books.delivery.timing.evaluate_every
    return {
        loaded.name: yaml_text(
            {"groups": _groups(loaded.name, rules, every=every)},
            head=HEAD.format(sources=f"`{loaded.name}.yaml`"),
        )
        for loaded in books.books
    }


def _groups(book: str, rules: RuleSet, *, every: str) -> list[dict[str, Any]]:
    """Return the groups of a book: that of its alerts, and one for each objective, evaluated in order."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for recording in rules.recordings:
        if _is_of(recording.group, book):
            groups.setdefault(recording.group, []).append(_recording(recording))
    for alert in rules.alerts:
        if _is_of(alert.group, book):
            groups.setdefault(alert.group, []).append(_alert(alert))
    return [{"name": name, "interval": every, "rules": each} for name, each in sorted(groups.items())]


def _is_of(group: str, book: str) -> bool:
    return group == book or group.startswith(f"{book}:")


def _recording(rule: RecordingRule) -> dict[str, Any]:
    return {"record": rule.name, "expr": rule.expr, "labels": dict(rule.labels)}


def _alert(rule: AlertRule) -> dict[str, Any]:
    written: dict[str, Any] = {"alert": rule.name, "expr": rule.expr, "for": duration(rule.for_seconds)}
    if rule.keep_firing_for_seconds is not None:
        written["keep_firing_for"] = duration(rule.keep_firing_for_seconds)
    return written | {
        "labels": dict(sorted(rule.labels.items())),
        "annotations": dict(sorted(rule.annotations.items())),
    }
