"""How do routes, receivers and inhibition look in Alertmanager's own file; also the rehearsal, in which nobody is paged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.alerts.delivery import DeliveryBook, Email, MuteTime, PagerDuty, Receiver, Slack, Webhook
from opsctl.alerts.load import AlertBooks
from opsctl.alerts.messages import receiver_configuration
from opsctl.alerts.prometheus_rules import HEAD
from opsctl.alerts.promql_text import duration
from opsctl.alerts.routes import Route, inhibitions_of, interval_name, routes_of
from opsctl.alerts.rules import RuleSet
from opsctl.alerts.yaml_text import yaml_text
from opsctl.core.units import parse_duration

NOBODY = "nobody"
"""The receiver of what is only shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Where messages go instead: the same configuration, with other addresses and without secrets.

    Each receiver keeps its own kind of message, so a rehearsal shows that the texts are right, too. Nothing is muted by
    the time of day, so a rehearsal at night shows what one at noon does.

    Args:
        sink_url: address of the sink, which understands PagerDuty, Slack and webhooks.
        smtp_address: `host:port` of its mail server.
    """

    sink_url: str
    smtp_address: str


def render_alertmanager(
    books: AlertBooks,
    rules: RuleSet,
    *,
    rehearsal: Rehearsal | None = None,
    secrets_folder: Path | None = None,
) -> str:
    """Return Alertmanager's configuration.

    Args:
        books: receivers and timing.
        rules: who is told of what.
        rehearsal: sends everything to the sink instead.
        secrets_folder: written before the names of secret files; without it Alertmanager looks beside its own file.
    """
    delivery = _with_folder(books.delivery, secrets_folder) if secrets_folder else books.delivery
    mute = [] if rehearsal else delivery.mute
    return yaml_text(
        {
            "global": {"resolve_timeout": "5m"},
            "route": _root(delivery, rules, is_muting=bool(mute)),
            "inhibit_rules": [
                {
                    "source_matchers": _matchers(each.sources),
                    "target_matchers": _matchers(each.targets),
                    **({"equal": list(each.equal)} if each.equal else {}),
                }
                for each in inhibitions_of(rules)
            ],
            **(
                {"time_intervals": [_interval(index, each) for index, each in enumerate(mute)]}
                if mute
                else {}
            ),
            "receivers": [
                {"name": NOBODY},
                *(_receiver(name, each, rehearsal) for name, each in sorted(delivery.receivers.items())),
            ],
        },
        head=HEAD.format(sources="all books and `delivery.yaml`"),
    )


def _root(delivery: DeliveryBook, rules: RuleSet, *, is_muting: bool) -> dict[str, Any]:
    timing = delivery.timing
    return {
        "receiver": delivery.catch_all,
        "group_by": list(delivery.group_by),
        "group_wait": timing.group_wait,
        "group_interval": timing.group_interval,
        "repeat_interval": timing.repeat_every,
        "routes": [
            _route(route, delivery=delivery, is_muting=is_muting) for route in routes_of(delivery, rules)
        ],
    }


def _route(route: Route, *, delivery: DeliveryBook, is_muting: bool) -> dict[str, Any]:
    """Return one route; several receivers are branches that each go on to the next."""
    written: dict[str, Any] = {"matchers": _matchers(route.matchers)}
    if route.is_watchdog:
        every = parse_duration(delivery.watchdog_every)
        return written | {
            "receiver": delivery.watchdog,
            "group_wait": "0s",
            "group_interval": duration(every),
            # Were both the same, each second beat would come a moment too early to be a repetition, and be left out.
            "repeat_interval": duration(every * 0.9),
        }
    mute = {"mute_time_intervals": list(route.muted_in)} if is_muting and route.muted_in else {}
    receivers = route.receivers or (NOBODY,)
    if len(receivers) == 1:
        return written | {"receiver": receivers[0], **mute}
    *others, last = receivers
    branches = [{"receiver": each, **mute, "continue": True} for each in others]
    return written | {"receiver": last, "routes": [*branches, {"receiver": last, **mute}]}


def _matchers(wanted: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [
        f'{label}="{values[0]}"' if len(values) == 1 else f'{label}=~"{"|".join(values)}"'
        for label, values in wanted.items()
    ]


def _interval(index: int, mute: MuteTime) -> dict[str, Any]:
    times = [dict(zip(("start_time", "end_time"), each.split("-"), strict=True)) for each in mute.times]
    span: dict[str, Any] = {"weekdays": list(mute.weekdays)} | ({"times": times} if times else {})
    return {"name": interval_name(index), "time_intervals": [span]}


def _receiver(name: str, receiver: Receiver, rehearsal: Rehearsal | None) -> dict[str, Any]:
    if rehearsal is None:
        return receiver_configuration(name, receiver)
    return _rehearsed(
        receiver_configuration(name, _without_secrets(receiver)), name=name, rehearsal=rehearsal
    )


def _with_folder(delivery: DeliveryBook, folder: Path) -> DeliveryBook:
    """Return the book with whole paths of secret files."""
    named = ("routing_key_file", "api_url_file", "password_file", "url_file", "token_file")
    receivers = {
        name: receiver.model_copy(
            update={
                field: str(folder / value)
                for field in named
                if (value := getattr(receiver, field, None)) is not None
            }
        )
        for name, receiver in delivery.receivers.items()
    }
    return delivery.model_copy(update={"receivers": receivers})


def _without_secrets(receiver: Receiver) -> Receiver:
    if isinstance(receiver, Email):
        return receiver.model_copy(update={"username": None, "password_file": None, "require_tls": False})
    if isinstance(receiver, Webhook):
        return receiver.model_copy(update={"token_file": None})
    return receiver


def _rehearsed(configuration: dict[str, Any], *, name: str, rehearsal: Rehearsal) -> dict[str, Any]:
    """Put the sink's addresses in the place of the real ones; the path tells the receiver's name."""
    base = rehearsal.sink_url.rstrip("/")
    replaced: dict[str, dict[str, str]] = {
        "pagerduty_configs": {"url": f"{base}/pagerduty/{name}", "routing_key": "rehearsal"},
        "slack_configs": {"api_url": f"{base}/slack/{name}"},
        "email_configs": {"smarthost": rehearsal.smtp_address},
        "webhook_configs": {"url": f"{base}/webhook/{name}"},
    }
    secret = ("routing_key_file", "api_url_file", "url_file")
    return {
        key: [
            {word: text for word, text in each.items() if word not in secret} | replaced[key]
            for each in value
        ]
        if key in replaced
        else value
        for key, value in configuration.items()
    }


def secret_files(delivery: DeliveryBook) -> tuple[str, ...]:
    """Return the files that hold secrets, as the book names them."""
    found: list[str | None] = []
    for receiver in delivery.receivers.values():
        match receiver:
            case PagerDuty():
                found.append(receiver.routing_key_file)
            case Slack():
                found.append(receiver.api_url_file)
            case Email():
                found.append(receiver.password_file)
            case Webhook():
                found += [receiver.url_file, receiver.token_file]
    return tuple(file for file in found if file is not None)
