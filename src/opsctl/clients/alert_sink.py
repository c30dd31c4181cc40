"""What did receivers get: the messages of the sink, read over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsctl.core.errors import NotReadyError

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message; `at` is when it came, in seconds since 1970."""

    at: float
    receiver: str
    status: str
    alertname: str
    severity: str
    runbook_url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    channel: str = ""
    id: int = 0


def deliveries_since(url: str, identifier: int) -> tuple[Delivery, ...]:
    """Return the messages that came after one, the oldest first.

    Raises:
        NotReadyError: SNK001 the sink does not answer.
    """
    import httpx

    try:
        answer = httpx.get(f"{url}/received", params={"since": identifier}, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return tuple(_delivery(each) for each in answer.json())
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise NotReadyError(
            f"the sink at `{url}` does not answer",
            code="SNK001",
            why=str(error),
            fix="run `opsctl stack up --watch`, then `opsctl stack logs sink`",
        ) from error


def _delivery(record: Mapping[str, Any]) -> Delivery:
    names = ("id", "at", "receiver", "channel", "status", "alertname", "severity", "summary", "runbook_url")
    return Delivery(labels=dict(record["labels"]), **{name: record[name] for name in names})
