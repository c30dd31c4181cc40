"""Which alerts say nothing while another one fires?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from opsctl.alerts.rules import AlertRule

ABSENT = "absent"
"""The tier of an alert that tells that a signal is gone; it mutes nothing."""


def with_muting(alerts: Sequence[AlertRule]) -> tuple[AlertRule, ...]:
    """Return the alerts with the names of those that mute each: what its book says, and faster tiers of its objective."""
    of_rule: dict[str, list[AlertRule]] = {}
    for alert in alerts:
        if alert.tier != ABSENT:
            of_rule.setdefault(alert.rule, []).append(alert)
    return tuple(replace(alert, inhibited_by=_muting(alert, of_rule)) for alert in alerts)


def _muting(alert: AlertRule, of_rule: Mapping[str, Sequence[AlertRule]]) -> tuple[str, ...]:
    by_book = [each.name for rule in alert.inhibited_by for each in of_rule.get(rule, ())]
    tiers = [each.name for each in of_rule.get(alert.rule, ())] if alert.tier is not None else []
    faster = tiers[: tiers.index(alert.name)] if alert.name in tiers else []
    return (*by_book, *faster)
