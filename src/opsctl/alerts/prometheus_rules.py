"""How do rules look in Prometheus' own files: one a book and one an objective, recordings before the alerts that read them."""

from collections.abc import Mapping
from typing import Any

from opsctl.alerts.load import AlertBooks
from opsctl.alerts.promql_text import duration
from opsctl.alerts.rules import AlertRule, RecordingRule, RuleSet
from opsctl.alerts.yaml_text import yaml_text
from opsctl.core.errors import UsageError

HEAD = """Rendered from {sources} by `opsctl alerts render`; edit those, not this file."""


def file_of(group: str) -> str:
    """Return the name of a group's file, without its suffix: the book's, or the book's with an objective's.

    Each objective has a file of its own, so that a unit test evaluates nothing that it does not look at.
    """
    return group.replace(":", ".")


def colliding_groups(rules: RuleSet) -> tuple[tuple[str, ...], ...]:
    """Return the groups that would be written into one file; on some disks capitals tell no files apart."""
    files: dict[str, dict[str, None]] = {}
    for group in (*(each.group for each in rules.recordings), *(each.group for each in rules.alerts)):
        files.setdefault(file_of(group).casefold(), {})[group] = None
    return tuple(tuple(groups) for groups in files.values() if len(groups) > 1)


def render_rules(books: AlertBooks, rules: RuleSet) -> Mapping[str, str]:
    """Return the text of each rule file by its name, without the suffix.

    Raises:
        UsageError: ALR070 two groups have one file, so the rules of one of them would be lost.
    """
    for colliding in colliding_groups(rules):
        raise UsageError(
            f"`{' and '.join(colliding)}` would be written into one file, `{file_of(colliding[0])}.yml`",
            code="ALR070",
            fix="rename the book or the objective",
        )
    every = books.delivery.timing.evaluate_every
    groups: dict[str, list[dict[str, Any]]] = {}
    for recording in rules.recordings:
        groups.setdefault(recording.group, []).append(_recording(recording))
    for alert in rules.alerts:
        groups.setdefault(alert.group, []).append(_alert(alert))
    return {
        file_of(group): yaml_text(
            {"groups": [{"name": group, "interval": every, "rules": written}]},
            head=HEAD.format(sources=f"`{group.partition(':')[0]}.yaml`"),
        )
        for group, written in sorted(groups.items())
    }


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
