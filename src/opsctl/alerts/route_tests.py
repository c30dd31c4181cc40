"""Where does each alert go, and what mutes it: written down, so that a change of routes is a change that people see."""

from collections.abc import Iterator

from opsctl.alerts.load import AlertBooks
from opsctl.alerts.prometheus_rules import HEAD
from opsctl.alerts.routes import Inhibition, Route, inhibitions_of, receivers_of, routes_of
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.yaml_text import yaml_text


def labels_of(alert: AlertRule) -> dict[str, str]:
    """Return the labels by which an alert is routed."""
    return {"alertname": alert.name, **alert.labels}


def render_route_tests(books: AlertBooks, rules: RuleSet) -> str:
    """Return every alert with its receivers and with the alerts that mute it."""
    routes, catch_all = routes_of(books.delivery, rules), books.delivery.catch_all
    inhibitions = inhibitions_of(rules)
    return yaml_text(
        {
            "routes": {alert.name: _told(alert, routes, catch_all) for alert in rules.alerts},
            "muted_by": {
                alert.name: muting
                for alert in rules.alerts
                if (muting := [each.name for each in rules.alerts if mutes(each, alert, inhibitions)])
            },
        },
        head=HEAD.format(sources="all books and `delivery.yaml`"),
    )


def mutes(source: AlertRule, target: AlertRule, inhibitions: tuple[Inhibition, ...]) -> bool:
    """Tell whether one alert mutes another; none mutes itself."""
    if source.name == target.name:
        return False
    return any(each.mutes(labels_of(target), source=labels_of(source)) for each in inhibitions)


def wrong_ways(books: AlertBooks, rules: RuleSet) -> Iterator[tuple[AlertRule, str]]:
    """Yield the alerts whose routes or muting are not those of their book, with what is wrong."""
    routes, catch_all = routes_of(books.delivery, rules), books.delivery.catch_all
    inhibitions = inhibitions_of(rules)
    for alert in rules.alerts:
        taken = receivers_of(labels_of(alert), routes=routes, catch_all=catch_all)
        if taken != alert.receivers:
            yield (
                alert,
                f"goes to {', '.join(taken) or 'nobody'} instead of {', '.join(alert.receivers) or 'nobody'}",
            )
        muting = {each.name for each in rules.alerts if mutes(each, alert, inhibitions)}
        if muting != set(alert.inhibited_by):
            yield alert, f"is muted by {', '.join(sorted(muting)) or 'nothing'}"


def _told(alert: AlertRule, routes: tuple[Route, ...], catch_all: str) -> list[str]:
    return list(receivers_of(labels_of(alert), routes=routes, catch_all=catch_all))
