"""What does Prometheus say: values now and over time, and the alerts that it holds."""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from opsctl.core.errors import NotReadyError, UsageError

if TYPE_CHECKING:
    from httpx import BaseTransport

_TIMEOUT_SECONDS = 10.0
# A server that never comes to an end would fill the memory, or hold who asks for ever; each wait has its own limit beside.
_MOST_BYTES = 64 * 1024 * 1024
_WAITS_FOR_AN_ANSWER = 3
Read = TypeVar("Read")


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

    Every call raises NotReadyError PRM001 where nobody answers, or not as Prometheus does, and UsageError PRM002 where
    the question is refused.
    """

    def __init__(
        self, url: str, *, timeout_seconds: float = _TIMEOUT_SECONDS, transport: "BaseTransport | None" = None
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._transport = transport

    def query(self, expr: str) -> tuple[Point, ...]:
        """Return the value of each series of an expression now; a plain number is one without labels."""
        return self._get("query", {"query": expr}, _points)

    def query_range(self, expr: str, *, start: float, end: float, step_seconds: float) -> tuple[Series, ...]:
        """Return the values of each series of an expression over time."""
        asked = {"query": expr, "start": str(start), "end": str(end), "step": str(step_seconds)}
        return self._get("query_range", asked, _series)

    def alerts(self) -> tuple[ActiveAlert, ...]:
        """Return the alerts that are pending or firing."""
        return self._get("alerts", {}, _alerts)

    def version(self) -> str:
        """Return its version."""
        return self._get("status/buildinfo", {}, lambda data: str(data["version"]))

    def _get(self, path: str, asked: Mapping[str, str], read: Callable[[Any], Read]) -> Read:
        import httpx

        # Without TLS no certificates are looked at, and loading them takes longer than the question.
        has_tls = self.url.startswith("https:")
        try:
            with (
                httpx.Client(
                    verify=has_tls, timeout=self._timeout_seconds, transport=self._transport
                ) as client,
                client.stream("GET", f"{self.url}/api/v1/{path}", params=dict(asked)) as answer,
            ):
                body = json.loads(self._whole(answer.iter_bytes()))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            raise self._silent(str(error) or type(error).__name__) from error
        if not isinstance(body, dict) or body.get("status") != "success":
            why = body.get("error") if isinstance(body, dict) else None
            raise UsageError(
                "Prometheus refuses the question",
                code="PRM002",
                why=str(why or f"HTTP {answer.status_code}"),
                fix="check the expression: promtool check, or Prometheus' own page",
            )
        try:
            return read(body["data"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._silent(f"its answer has another shape: {error!r}") from error

    def _whole(self, pieces: Iterable[bytes]) -> bytes:
        """Return all of an answer.

        Raises:
            ValueError: it does not end in time, or is larger than any answer of Prometheus.
        """
        ends, found = time.monotonic() + self._timeout_seconds * _WAITS_FOR_AN_ANSWER, bytearray()
        for piece in pieces:
            found += piece
            if len(found) > _MOST_BYTES:
                raise ValueError(f"its answer is larger than {_MOST_BYTES:,} bytes")
            if time.monotonic() > ends:
                raise ValueError("its answer does not come to an end")
        return bytes(found)

    def _silent(self, why: str) -> NotReadyError:
        return NotReadyError(
            f"Prometheus at `{self.url}` does not answer",
            code="PRM001",
            why=why,
            fix="run `opsctl stack up --watch`, or set `watch.prometheus_url` to yours",
        )


def _points(data: Any) -> tuple[Point, ...]:
    if data["resultType"] == "scalar":
        return (Point(labels={}, at=float(data["result"][0]), value=_number(data["result"][1])),)
    if data["resultType"] != "vector":
        raise UsageError(
            f"the expression gives a {data['resultType']}, not one value for each series",
            code="PRM002",
            fix="take a function of it, such as `rate(...)`",
        )
    return tuple(
        Point(labels=each["metric"], at=float(each["value"][0]), value=_number(each["value"][1]))
        for each in data["result"]
    )


def _series(data: Any) -> tuple[Series, ...]:
    return tuple(
        Series(
            labels=each["metric"],
            points=tuple((float(at), _number(value)) for at, value in each["values"]),
        )
        for each in data["result"]
    )


def _alerts(data: Any) -> tuple[ActiveAlert, ...]:
    return tuple(
        ActiveAlert(
            name=each["labels"].get("alertname", ""),
            state=each["state"],
            labels=each["labels"],
            annotations=each["annotations"],
            value=_number(each["value"]),
        )
        for each in data["alerts"]
    )


def _number(text: str) -> float:
    return {"+Inf": math.inf, "-Inf": -math.inf}.get(text) or float(text)
