"""What does a message say: those of each kind of receiver, read into the same few words."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

_FIELD = re.compile(r"(?P<title>[A-Z][a-z]+): (?P<text>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a receiver was told; `raw` is the message as it came, cut to a few kilobytes."""

    receiver: str
    channel: str
    status: str
    alertname: str
    severity: str
    service: str = ""
    summary: str = ""
    runbook_url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""


def read_webhook(receiver: str, body: bytes) -> Told:
    """Read Alertmanager's own JSON.

    Raises:
        ValueError: it is none.
    """
    message = _object(body)
    labels, texts = _texts(message.get("commonLabels")), _texts(message.get("commonAnnotations"))
    return Told(
        receiver=receiver,
        channel="webhook",
        status=str(message.get("status", "")),
        alertname=labels.get("alertname", ""),
        severity=labels.get("severity", ""),
        service=labels.get("service", ""),
        summary=texts.get("summary", ""),
        runbook_url=texts.get("runbook_url", ""),
        labels=labels,
        raw=_cut(body),
    )


def read_pagerduty(receiver: str, body: bytes) -> Told:
    """Read an event of PagerDuty's Events API, version 2.

    Raises:
        ValueError: it is none.
    """
    message = _object(body)
    payload = message.get("payload")
    if not message.get("routing_key") or not isinstance(payload, dict) or not payload.get("summary"):
        raise ValueError("an event needs `routing_key` and a `payload` with a `summary`")
    status = {"trigger": "firing", "resolve": "resolved"}.get(str(message.get("event_action")), "")
    if not status:
        raise ValueError("`event_action` is neither `trigger` nor `resolve`")
    return _of_fields(
        _texts(payload.get("custom_details")),
        receiver=receiver,
        channel="pagerduty",
        status=status,
        body=body,
    )


def read_slack(receiver: str, body: bytes) -> Told:
    """Read a message for one of Slack's incoming webhooks.

    Raises:
        ValueError: it is none.
    """
    attachments = _object(body).get("attachments")
    if not isinstance(attachments, list) or not attachments or not isinstance(attachments[0], dict):
        raise ValueError("a message needs `attachments`")
    listed = attachments[0].get("fields") or []
    if not isinstance(listed, list):
        raise ValueError("`fields` of an attachment is a list")  # noqa: TRY004 - as any other body that is no message
    fields = {str(each.get("title")): str(each.get("value")) for each in listed if isinstance(each, dict)}
    return _of_fields(fields, receiver=receiver, channel="slack", status=fields.get("Status", ""), body=body)


def read_email(data: bytes) -> Told:
    """Read a mail; the header `X-Receiver` names the receiver."""
    message = message_from_bytes(data, policy=policy.default)
    part = message.get_body(preferencelist=("plain",))
    text = str(part.get_content()) if part is not None else ""
    found = [line for each in text.splitlines() if (line := _FIELD.fullmatch(each.strip())) is not None]
    fields = {line["title"]: line["text"] for line in found}
    return _of_fields(
        fields,
        receiver=str(message.get("X-Receiver", "")),
        channel="email",
        status=fields.get("Status", ""),
        body=data,
    )


def _of_fields(fields: Mapping[str, str], *, receiver: str, channel: str, status: str, body: bytes) -> Told:
    return Told(
        receiver=receiver,
        channel=channel,
        status=status,
        alertname=fields.get("Alert", ""),
        severity=fields.get("Severity", ""),
        service=fields.get("Service", ""),
        summary=fields.get("Summary", ""),
        runbook_url=fields.get("Runbook", ""),
        raw=_cut(body),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - whoever calls asks whether it can be read
    return value


def _texts(value: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else {}


def _cut(body: bytes) -> str:
    return body[:4096].decode(errors="replace")
