"""Who is told of which alert, and which alert is not sent while another fires: values, before they become YAML."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opsctl.alerts.compile import WATCHDOG
from opsctl.alerts.delivery import DeliveryBook
from opsctl.alerts.rules import RuleSet
from opsctl.alerts.severity import AlertSeverity


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Alerts whose labels have these values go to these receivers; nobody is told where there is none."""

    matchers: Mapping[str, tuple[str, ...]]
    receivers: tuple[str, ...]
    muted_in: tuple[str, ...] = ()
    is_watchdog: bool = False

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert with these labels goes this way."""
        return all(labels.get(label, "") in values for label, values in self.matchers.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """While an alert of the sources fires, those of the targets are not sent, where these labels are equal."""

    sources: Mapping[str, tuple[str, ...]]
    targets: Mapping[str, tuple[str, ...]]
    equal: tuple[str, ...] = ()

    def mutes(self, target: Mapping[str, str], *, source: Mapping[str, str]) -> bool:
        """Tell whether one alert mutes another; labels that both lack are equal, as Alertmanager has it."""
        return (
            _all_in(source, self.sources)
            and _all_in(target, self.targets)
            and all(source.get(label, "") == target.get(label, "") for label in self.equal)
        )


def routes_of(delivery: DeliveryBook, rules: RuleSet) -> tuple[Route, ...]:
    """Return the routes in the order in which they are tried: the watchdog, alerts with receivers of their own, severities.

    What none of them takes goes to the catch-all.
    """
    muted = {severity: _interval_names(delivery, severity) for severity in AlertSeverity}
    own: dict[tuple[tuple[str, ...], AlertSeverity], list[str]] = {}
    for alert in rules.alerts:
        by_severity = tuple(delivery.by_severity.get(alert.severity, [delivery.catch_all]))
        if alert.name != WATCHDOG and alert.receivers != by_severity:
            own.setdefault((alert.receivers, alert.severity), []).append(alert.name)
    return (
        Route(matchers={"alertname": (WATCHDOG,)}, receivers=(delivery.watchdog,), is_watchdog=True),
        *(
            Route(matchers={"alertname": tuple(sorted(names))}, receivers=receivers, muted_in=muted[severity])
            for (receivers, severity), names in sorted(own.items())
        ),
        *(
            Route(
                matchers={"severity": (str(severity),)},
                receivers=tuple(receivers),
                muted_in=muted[severity],
            )
            for severity, receivers in sorted(delivery.by_severity.items())
        ),
    )


def receivers_of(labels: Mapping[str, str], *, routes: tuple[Route, ...], catch_all: str) -> tuple[str, ...]:
    """Return who is told of an alert with these labels: the first route that takes it decides."""
    return next((route.receivers for route in routes if route.takes(labels)), (catch_all,))


def inhibitions_of(rules: RuleSet) -> tuple[Inhibition, ...]:
    """Return what mutes what: severities of one alert, what the books say, and faster tiers of an objective."""
    by_severity = Inhibition(
        sources={"severity": ("critical",)},
        targets={"severity": ("warning", "info")},
        equal=("alertname", "service"),
    )
    return (by_severity, *_by_name(rules))


def interval_name(index: int) -> str:
    """Return the name of a time in which something is not sent."""
    return f"mute_{index + 1}"


def _by_name(rules: RuleSet) -> Iterator[Inhibition]:
    targets: dict[tuple[str, ...], list[str]] = {}
    for alert in rules.alerts:
        if alert.inhibited_by:
            targets.setdefault(alert.inhibited_by, []).append(alert.name)
    for sources, names in targets.items():
        yield Inhibition(sources={"alertname": sources}, targets={"alertname": tuple(names)})


def _interval_names(delivery: DeliveryBook, severity: AlertSeverity) -> tuple[str, ...]:
    return tuple(
        interval_name(index) for index, mute in enumerate(delivery.mute) if mute.severity is severity
    )


def _all_in(labels: Mapping[str, str], wanted: Mapping[str, tuple[str, ...]]) -> bool:
    return all(labels.get(label, "") in values for label, values in wanted.items())
