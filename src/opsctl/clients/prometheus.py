"""What does Prometheus say: values now and over time, and the alerts that it holds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.core.errors import NotReadyError, UsageError

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One series' value now; `at` is seconds since 1970, and the value may be NaN or infinite."""

    labels: Mapping[str, str]
    at: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series over time: moments and values, in order."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlert:
    """An alert that is pending or firing."""

    name: str
    state: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    value: float


class Prometheus:
    """One server, by its address.

    Every call raises NotReadyError PRM001 where nobody answers and UsageError PRM002 where the question is refused.
    """

    def __init__(self, url: str, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds

    def query(self, expr: str) -> tuple[Point, ...]:
        """Return the value of each series of an expression now; a plain number is one without labels."""
        data = self._get("query", {"query": expr})
        if data["resultType"] == "scalar":
            return (Point(labels={}, at=float(data["result"][0]), value=_number(data["result"][1])),)
        return tuple(
            Point(labels=each["metric"], at=float(each["value"][0]), value=_number(each["value"][1]))
            for each in data["result"]
        )

    def query_range(self, expr: str, *, start: float, end: float, step_seconds: float) -> tuple[Series, ...]:
        """Return the values of each series of an expression over time."""
        asked = {"query": expr, "start": str(start), "end": str(end), "step": str(step_seconds)}
        return tuple(
            Series(
                labels=each["metric"],
                points=tuple((float(at), _number(value)) for at, value in each["values"]),
            )
            for each in self._get("query_range", asked)["result"]
        )

    def alerts(self) -> tuple[ActiveAlert, ...]:
        """Return the alerts that are pending or firing."""
        return tuple(
            ActiveAlert(
                name=each["labels"].get("alertname", ""),
                state=each["state"],
                labels=each["labels"],
                annotations=each["annotations"],
                value=_number(each["value"]),
            )
            for each in self._get("alerts", {})["alerts"]
        )

    def version(self) -> str:
        """Return its version."""
        return str(self._get("status/buildinfo", {})["version"])

    def _get(self, path: str, asked: Mapping[str, str]) -> Any:
        import httpx

        try:
            answer = httpx.get(f"{self.url}/api/v1/{path}", params=dict(asked), timeout=self._timeout_seconds)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotReadyError(
                f"Prometheus at `{self.url}` does not answer",
                code="PRM001",
                why=str(error) or type(error).__name__,
                fix="run `opsctl stack up --watch`, or set `watch.prometheus_url` to yours",
            ) from error
        if not isinstance(body, dict) or body.get("status") != "success":
            why = body.get("error") if isinstance(body, dict) else None
            raise UsageError(
                "Prometheus refuses the question",
                code="PRM002",
                why=str(why or f"HTTP {answer.status_code}"),
                fix="check the expression: promtool check, or Prometheus' own page",
            )
        return body["data"]


def _number(text: str) -> float:
    return {"+Inf": math.inf, "-Inf": -math.inf}.get(text) or float(text)
