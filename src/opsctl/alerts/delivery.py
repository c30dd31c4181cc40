"""Who hears of an alert and how: receivers, routes, timing and addresses; the book `alerts/delivery.yaml`."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from opsctl.alerts.severity import AlertSeverity
from opsctl.config.model import StrictModel
from opsctl.config.project import WebAddress
from opsctl.config.quantities import Duration, PositiveDuration

ReceiverName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,49}$")]
SecretFile = Annotated[str, Field(min_length=1)]


class PagerDuty(StrictModel):
    """Events API v2."""

    kind: Literal["pagerduty"]
    routing_key_file: SecretFile
    """File that holds the integration key."""
    url: WebAddress | None = None
    """Of the events API; the real one by default."""


class Slack(StrictModel):
    """An incoming webhook."""

    kind: Literal["slack"]
    api_url_file: SecretFile
    """File that holds the webhook's address, which is a secret."""
    channel: Annotated[str, Field(pattern=r"^#")]
    """Such as `#feed-alerts`."""


class Email(StrictModel):
    """SMTP."""

    kind: Literal["email"]
    to: Annotated[list[str], Field(min_length=1)]
    """Addresses."""
    from_: Annotated[str, Field(alias="from")]
    """Sender."""
    smarthost: Annotated[str, Field(pattern=r"^[^:]+:\d+$")]
    """`host:port`."""
    username: str | None = None
    """Login; none for an open relay."""
    password_file: SecretFile | None = None
    """File that holds its password."""
    require_tls: bool = True
    """False only for a relay on the same machine."""


class Webhook(StrictModel):
    """Any address that takes Alertmanager's JSON."""

    kind: Literal["webhook"]
    url: WebAddress | None = None
    """The address, where it is no secret."""
    url_file: SecretFile | None = None
    """File that holds it, where it is one; needs Alertmanager 0.26."""
    token_file: SecretFile | None = None
    """File that holds a bearer token."""

    @model_validator(mode="after")
    def _has_one_address(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("exactly one of `url` and `url_file`")
        return self


Receiver = Annotated[PagerDuty | Slack | Email | Webhook, Field(discriminator="kind")]


class Timing(StrictModel):
    """How often is looked and how long is gathered."""

    scrape_every: PositiveDuration = "5s"
    """Prometheus' scrape interval."""
    evaluate_every: PositiveDuration = "5s"
    """Prometheus' evaluation interval."""
    group_wait: Duration = "5s"
    """How long the first alert of a group waits for others."""
    group_interval: PositiveDuration = "1m"
    """Least time between two messages of one group."""
    repeat_every: PositiveDuration = "4h"
    """How often an alert that goes on is sent again."""


_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def _checked_weekdays(text: str) -> str:
    first, _, last = text.partition(":")
    for day in (first, last or first):
        if day not in _WEEKDAYS:
            raise ValueError(f"`{day}` is no weekday; they are {', '.join(_WEEKDAYS)}")
    if last and _WEEKDAYS.index(last) < _WEEKDAYS.index(first):
        raise ValueError(
            f"`{text}` goes backward: Alertmanager's week begins on Sunday; name the days one by one"
        )
    return text


def _checked_time_span(text: str) -> str:
    begin, _, end = text.partition("-")
    if begin >= end:
        raise ValueError(f"`{text}` does not end after it begins; write `{begin}-24:00` and `00:00-{end}`")
    return text


Weekdays = Annotated[str, AfterValidator(_checked_weekdays)]
TimeSpan = Annotated[
    str,
    Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"),
    AfterValidator(_checked_time_span),
]


class MuteTime(StrictModel):
    """A time in which a severity is not sent, in Alertmanager's words."""

    severity: AlertSeverity
    """Which alerts."""
    weekdays: Annotated[list[Weekdays], Field(min_length=1)]
    """Such as `saturday`, or `monday:friday`; the week begins on Sunday."""
    times: Annotated[list[TimeSpan], Field(max_length=8)] = []
    """Such as `00:00-08:00`; all day when empty."""


class DeliveryBook(StrictModel):
    """The book `alerts/delivery.yaml`."""

    receivers: Annotated[dict[ReceiverName, Receiver], Field(min_length=1)]
    """By name."""
    catch_all: ReceiverName
    """Gets what no route takes; a real receiver, so that nothing is lost."""
    by_severity: dict[AlertSeverity, list[ReceiverName]]
    """Who gets alerts of a severity that name no receivers of their own; an empty list shows them only."""
    watchdog: ReceiverName
    """The dead man's switch: gets `Watchdog` every few minutes and raises the alarm when it stays away."""
    watchdog_every: PositiveDuration = "5m"
    """How often."""
    group_by: Annotated[list[str], Field(min_length=1)] = ["alertname", "service"]
    """Alerts that have these labels in common are one message."""
    timing: Timing = Timing()
    """Intervals."""
    mute: Annotated[list[MuteTime], Field(max_length=20)] = []
    """Times in which a severity is not sent."""
    runbook_url: WebAddress | None = None
    """Where runbooks are published, such as `https://git.example/feed/blob/main/docs/runbooks`; else file names."""
    dashboard_url: WebAddress | None = None
    """Address of Grafana, such as `https://grafana.example`."""
