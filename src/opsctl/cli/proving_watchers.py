"""How are the watchers of a stack seen while alerts are proven: Prometheus, Alertmanager and sink as one."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.alerts.rules import AlertRule
    from opsctl.clients.alert_sink import Delivery
    from opsctl.clients.alertmanager import HeldAlert

MADE_UP = "This alert was made up by `opsctl alerts prove`, to show that it arrives."


class LiveWatchers:
    """Looks at running watchers (`alerts.proving.ports.Watchers`).

    Args:
        prometheus_url: address of Prometheus.
        alertmanager_url: address of Alertmanager.
        sink_url: address of the sink.
    """

    def __init__(self, *, prometheus_url: str, alertmanager_url: str, sink_url: str) -> None:
        from opsctl.clients.alertmanager import Alertmanager
        from opsctl.clients.prometheus import Prometheus

        self.prometheus = Prometheus(prometheus_url)
        self.alertmanager = Alertmanager(alertmanager_url)
        self._sink_url = sink_url
        self._last_id = 0

    def active(self) -> Mapping[str, str]:
        """Return the state of each alert; of several of one name the worst."""
        found: dict[str, str] = {}
        for alert in self.prometheus.alerts():
            if found.get(alert.name) != "firing":
                found[alert.name] = alert.state
        return found

    def muted(self) -> Mapping[str, frozenset[str]]:
        """Return who is muted by whom, by name."""
        held = self.alertmanager.alerts()
        names = {alert.fingerprint: alert.labels.get("alertname", "") for alert in held}
        return {
            alert.labels.get("alertname", ""): self._muting(alert, names)
            for alert in held
            if alert.state == "suppressed"
        }

    def messages(self) -> "Collection[Delivery]":
        """Return what came since the last call."""
        from opsctl.clients.alert_sink import deliveries_since

        new = deliveries_since(self._sink_url, self._last_id)
        if new:
            self._last_id = new[-1].id
        return new

    def send_made_up(self, alerts: "Collection[AlertRule]", *, firing: bool) -> None:
        """Hand made-up alerts to Alertmanager, or end them."""
        from opsctl.clients.alertmanager import PostedAlert

        self.alertmanager.post(
            [
                PostedAlert(
                    labels={"alertname": alert.name, **alert.labels},
                    annotations={**alert.annotations, "description": MADE_UP},
                    is_over=not firing,
                )
                for alert in alerts
            ]
        )

    def _muting(self, alert: "HeldAlert", names: Mapping[str, str]) -> frozenset[str]:
        return frozenset(names.get(fingerprint, fingerprint) for fingerprint in alert.muted_by)
