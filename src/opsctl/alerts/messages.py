"""What does a receiver read: the texts of PagerDuty, Slack and e-mail, in Alertmanager's template language.

Messages of one group have alert and service in common, so summary, severity and runbook are the same for all of its
alerts; only descriptions differ.
"""

from typing import Any, assert_never

from opsctl.alerts.delivery import Email, PagerDuty, Receiver, Slack, Webhook

STATUS = "{{ .Status }}"
ALERT = "{{ .CommonLabels.alertname }}"
SEVERITY = "{{ .CommonLabels.severity }}"
SERVICE = "{{ .CommonLabels.service }}"
SUMMARY = "{{ .CommonAnnotations.summary }}"
IMPACT = "{{ .CommonAnnotations.impact }}"
RUNBOOK = "{{ .CommonAnnotations.runbook_url }}"
DASHBOARD = "{{ .CommonAnnotations.dashboard_url }}"
FIRING = "{{ .Alerts.Firing | len }}"
DESCRIPTIONS = "{{ range .Alerts }}{{ .Annotations.description }}\n{{ end }}"

_FIELDS = {
    "Alert": ALERT,
    "Severity": SEVERITY,
    "Service": SERVICE,
    "Status": STATUS,
    "Firing": FIRING,
    "Summary": SUMMARY,
    "Impact": IMPACT,
    "Runbook": RUNBOOK,
    "Dashboard": DASHBOARD,
}
"""What every message tells, by the words that people read; the sink reads them too."""

RECEIVER_HEADER = "X-Receiver"
"""Of e-mails: the receiver's name, which an address does not tell."""


def receiver_configuration(name: str, receiver: Receiver) -> dict[str, Any]:
    """Return what Alertmanager needs of a receiver; secrets stay in their files."""
    match receiver:
        case PagerDuty():
            return {"name": name, "pagerduty_configs": [_pagerduty(receiver)]}
        case Slack():
            return {"name": name, "slack_configs": [_slack(receiver)]}
        case Email():
            return {"name": name, "email_configs": [_email(name, receiver)]}
        case Webhook():
            return {"name": name, "webhook_configs": [_webhook(receiver)]}
        case _:
            assert_never(receiver)


def _pagerduty(receiver: PagerDuty) -> dict[str, Any]:
    address = {"url": receiver.url} if receiver.url else {}
    return {
        "send_resolved": True,
        "routing_key_file": receiver.routing_key_file,
        **address,
        "description": f"{ALERT}: {SUMMARY}",
        "severity": '{{ if eq .CommonLabels.severity "critical" }}critical{{ else }}warning{{ end }}',
        "class": ALERT,
        "component": SERVICE,
        "client": "opsctl",
        "client_url": RUNBOOK,
        "details": _FIELDS | {"Description": DESCRIPTIONS},
    }


def _slack(receiver: Slack) -> dict[str, Any]:
    return {
        "send_resolved": True,
        "api_url_file": receiver.api_url_file,
        "channel": receiver.channel,
        "color": '{{ if eq .Status "firing" }}{{ if eq .CommonLabels.severity "critical" }}danger{{ else }}warning{{ end }}'
        "{{ else }}good{{ end }}",
        "title": f'{{{{ if eq .Status "firing" }}}}{ALERT}{{{{ else }}}}over: {ALERT}{{{{ end }}}}',
        "title_link": RUNBOOK,
        "fallback": f"{ALERT}: {SUMMARY}",
        "text": f"{SUMMARY}\n{DESCRIPTIONS}{IMPACT}",
        "fields": [{"title": title, "value": text, "short": True} for title, text in _FIELDS.items()],
    }


def _email(name: str, receiver: Email) -> dict[str, Any]:
    login = {"auth_username": receiver.username} if receiver.username else {}
    if receiver.password_file:
        login["auth_password_file"] = receiver.password_file
    lines = "".join(f"{title}: {text}\n" for title, text in _FIELDS.items())
    return {
        "send_resolved": True,
        "to": ", ".join(receiver.to),
        "from": receiver.from_,
        "smarthost": receiver.smarthost,
        **login,
        "require_tls": receiver.require_tls,
        "headers": {
            "Subject": f'{{{{ if eq .Status "firing" }}}}{SEVERITY}{{{{ else }}}}over{{{{ end }}}}: {ALERT}: {SUMMARY}',
            RECEIVER_HEADER: name,
        },
        "html": "",
        "text": f"{lines}\n{DESCRIPTIONS}",
    }


def _webhook(receiver: Webhook) -> dict[str, Any]:
    address = {"url": receiver.url} if receiver.url else {"url_file": receiver.url_file}
    token = {"authorization": {"credentials_file": receiver.token_file}} if receiver.token_file else None
    return {"send_resolved": True, **address, **({"http_config": token} if token else {})}
