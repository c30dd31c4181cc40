"""What does Alertmanager hold, and who is muted by whom: its API over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from opsctl.core.errors import NotReadyError

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAlert:
    """An alert that Alertmanager holds; `muted_by` are fingerprints of those that mute it."""

    fingerprint: str
    labels: Mapping[str, str]
    receivers: tuple[str, ...]
    state: str
    muted_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedAlert:
    """An alert to be handed in; one that is over ends now."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    is_over: bool = False


class Alertmanager:
    """One server, by its address; every call raises NotReadyError ALM001 where nobody answers or it refuses."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def alerts(self) -> tuple[HeldAlert, ...]:
        """Return every alert that it holds."""
        return tuple(
            HeldAlert(
                fingerprint=each["fingerprint"],
                labels=each["labels"],
                receivers=tuple(receiver["name"] for receiver in each["receivers"]),
                state=each["status"]["state"],
                muted_by=tuple(each["status"]["inhibitedBy"]),
            )
            for each in self._ask("GET", "alerts")
        )

    def post(self, alerts: Sequence[PostedAlert]) -> None:
        """Hand alerts in, as Prometheus does."""
        now = datetime.now(UTC)
        self._ask(
            "POST",
            "alerts",
            body=[
                {
                    "labels": dict(each.labels),
                    "annotations": dict(each.annotations),
                    **({"endsAt": (now - timedelta(seconds=1)).isoformat()} if each.is_over else {}),
                }
                for each in alerts
            ],
        )

    def silence(self, alert: str, *, seconds: float, by: str, why: str) -> str:
        """Mute an alert by name and return the silence's id."""
        now = datetime.now(UTC)
        made = self._ask(
            "POST",
            "silences",
            body={
                "matchers": [{"name": "alertname", "value": alert, "isRegex": False, "isEqual": True}],
                "startsAt": now.isoformat(),
                "endsAt": (now + timedelta(seconds=seconds)).isoformat(),
                "createdBy": by,
                "comment": why,
            },
        )
        return str(made["silenceID"])

    def end_silence(self, silence: str) -> None:
        """End a silence before its time."""
        self._ask("DELETE", f"silence/{silence}")

    def version(self) -> str:
        """Return its version."""
        return str(self._ask("GET", "status")["versionInfo"]["version"])

    def _ask(self, method: str, path: str, *, body: Any = None) -> Any:
        import httpx

        try:
            answer = httpx.request(method, f"{self.url}/api/v2/{path}", json=body, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
            return answer.json() if answer.content else None
        except (httpx.HTTPError, ValueError) as error:
            raise NotReadyError(
                f"Alertmanager at `{self.url}` does not answer as it should",
                code="ALM001",
                why=str(error) or type(error).__name__,
                fix="run `opsctl stack up --watch`, then `opsctl stack logs alertmanager`",
            ) from error
