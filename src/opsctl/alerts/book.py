"""What may stand in a book of alerts: rules of the kinds `Alert` and `SLO` by name, for one service."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from opsctl.alerts.severity import AlertSeverity
from opsctl.alerts.signals import (
    AbsenceSignal,
    AlwaysSignal,
    Label,
    MeanSignal,
    QuantileSignal,
    RateSignal,
    RatioSignal,
    Selector,
    ShareSignal,
    Signal,
)
from opsctl.config.model import StrictModel
from opsctl.config.quantities import Duration, PositiveDuration

RuleName = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_]{0,99}$")]
_NEVER_BELOW_NOTHING = RatioSignal | QuantileSignal | MeanSignal | RateSignal | ShareSignal
_RUNBOOK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.md")


def _checked_runbook(name: str) -> str:
    """Refuse what is no name of a file in the folder of runbooks: stubs are written under it."""
    if _RUNBOOK.fullmatch(name) is None:
        raise ValueError("a file name such as `cache_cold.md` belongs here, without a folder")
    return name


# Beyond it neighbouring numbers differ by more than what tests put above and below a threshold.
_GREATEST = 1e15
# Of Prometheus, or made from the book: another value would be another alert, or hide whom it goes to.
_TAKEN_LABELS = frozenset({"alertname", "alertstate", "severity", "service", "team"})


def _checked_number(value: float) -> float:
    if abs(value) > _GREATEST:
        raise ValueError(f"`{value:g}` is beyond {_GREATEST:g}, where nothing can be measured")
    return value


def _checked_label(name: str) -> str:
    if name in _TAKEN_LABELS or name.startswith("__"):
        raise ValueError(f"the label `{name}` is not for a rule to set")
    return name


def _with_words(text: str) -> str:
    if not text.strip():
        raise ValueError("nothing is said; write a sentence")
    return text


Number = Annotated[float, AfterValidator(_checked_number)]
PositiveNumber = Annotated[float, Field(gt=0), AfterValidator(_checked_number)]
OwnLabel = Annotated[Label, AfterValidator(_checked_label)]
Sentence = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_with_words)]


class PanelReference(StrictModel):
    """The panel that shows what the alert looks at."""

    dashboard: Annotated[str, Field(min_length=1)]
    """Name of a book in `dashboards/`, such as `system`."""
    panel: Annotated[str, Field(min_length=1)]
    """Key of the panel in that book."""


class Drill(StrictModel):
    """The fault by which `opsctl alerts prove` shows that the alert fires."""

    fault: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """Name of a fault, such as `vectors_down`; `opsctl alerts prove --list` shows them."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of the events that the fault is expected to make bad; the prediction of the detection time uses it."""


class _Rule(StrictModel):
    """What alerts and objectives have in common."""

    summary: Sentence
    """Headline: a capital letter, a full stop, no template."""
    description: Sentence
    """What was seen; may use `{{ $labels.x }}` and `{{ $value | humanize }}`."""
    impact: Sentence
    """What users notice of it."""
    runbook: Annotated[str, AfterValidator(_checked_runbook)] | None = None
    """File in `docs/runbooks/`, without a folder; by default the name of the rule with `.md`."""
    panel: PanelReference | None = None
    """Where to look."""
    drill: Drill | None = None
    """How it is proven."""
    undrilled: Sentence | None = None
    """Why no drill can prove it; then delivery alone is proven, by a made-up alert that says so."""
    detect_within: PositiveDuration
    """From the first bad event to the notification; must not be below the predicted time."""
    labels: dict[OwnLabel, str] = {}
    """More labels, such as `dependency: vectors`; never a measured value."""
    notify: Annotated[list[str], Field(max_length=8)] = []
    """Receivers of `delivery.yaml`; by default those of the severity."""
    inhibited_by: Annotated[list[RuleName], Field(max_length=20)] = []
    """Rules that say the same thing better: while one of them fires, this one is not sent."""

    @model_validator(mode="after")
    def _is_drilled_or_says_why(self) -> Self:
        if (self.drill is None) == (self.undrilled is None):
            raise ValueError("name the `drill` that proves it, or say in `undrilled` why there can be none")
        return self


class Alert(_Rule):
    """One condition that somebody must hear of."""

    kind: Literal["Alert"]
    severity: AlertSeverity
    """critical pages, warning is for working hours, info is only shown, none is for the dead man's switch."""
    signal: Signal
    """What it looks at."""
    above: Number | None = None
    """Fires when the signal is greater."""
    below: Number | None = None
    """Fires when the signal is less."""
    for_: Annotated[Duration, Field(alias="for")]
    """How long the condition must hold; `0s` needs `at_once`."""
    at_once: Sentence | None = None
    """Why it may fire at the first evaluation."""
    keep_firing_for: Duration | None = None
    """How long it goes on after the condition has ended, so that it does not flap."""

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        needs_none = isinstance(self.signal, AbsenceSignal | AlwaysSignal)
        given = sum(bound is not None for bound in (self.above, self.below))
        if given != (0 if needs_none else 1):
            what = "no threshold" if needs_none else "exactly one of `above` and `below`"
            raise ValueError(f"a signal of kind `{self.signal.kind}` takes {what}")
        if self.below is not None and self.below <= 0 and isinstance(self.signal, _NEVER_BELOW_NOTHING):
            raise ValueError(f"a signal of kind `{self.signal.kind}` is never below {self.below:g}")
        return self


class ErrorsIndicator(StrictModel):
    """Good is what is not counted as bad."""

    kind: Literal["errors"]
    of: Selector
    """The counter of bad events."""
    to: Selector
    """The counter of all events."""


class LatencyIndicator(StrictModel):
    """Good is what was fast enough."""

    kind: Literal["latency"]
    of: Selector
    """The histogram, without a suffix."""
    within_seconds: PositiveNumber
    """Must be a bucket's bound."""


class BurnTier(StrictModel):
    """One pair of windows: fires when both burn the budget faster than `factor` times what the period allows."""

    factor: PositiveNumber
    """Such as 14.4."""
    long: PositiveDuration
    """Such as `1h`."""
    short: PositiveDuration
    """Such as `5m`; lets the alert end soon after the fault has."""
    for_: Annotated[Duration, Field(alias="for")]
    """How long both must hold."""
    severity: AlertSeverity
    """critical pages, warning is a ticket."""
    detect_within: PositiveDuration | None = None
    """Of this tier; by default the objective's for critical tiers, and the predicted time for others."""


# SRE workbook, chapter 5, table 5-8, and the 3x tier that sloth and kubernetes-mixin add. The long window itself is the
# damping of the fast tier, so it waits no longer.
GOOGLE_TIERS: dict[str, dict[str, object]] = {
    "fast": {"factor": 14.4, "long": "1h", "short": "5m", "for": "0s", "severity": "critical"},
    "slow": {"factor": 6, "long": "6h", "short": "30m", "for": "2m", "severity": "critical"},
    "day": {"factor": 3, "long": "1d", "short": "2h", "for": "15m", "severity": "warning"},
    "three_days": {"factor": 1, "long": "3d", "short": "6h", "for": "1h", "severity": "warning"},
}


class Objective(_Rule):
    """How good the service promises to be over a period; alerts fire on how fast it uses up what may go wrong.

    Gives one alert a tier, `NAME_burn_TIER`, and `NAME_absent` for an indicator that is not there.
    """

    kind: Literal["SLO"]
    objective: Annotated[float, Field(gt=0, lt=100)]
    """Percent of good events, such as 99.9."""
    period: PositiveDuration = "30d"
    """Over which it is promised."""
    indicator: Annotated[ErrorsIndicator | LatencyIndicator, Field(discriminator="kind")]
    """What good means."""
    tiers: Annotated[dict[RuleName, BurnTier], Field(min_length=1)] = Field(
        default_factory=lambda: {name: BurnTier.model_validate(tier) for name, tier in GOOGLE_TIERS.items()}
    )
    """Pairs of windows by name, the fastest first."""
    min_events: Annotated[float, Field(ge=0), AfterValidator(_checked_number)] = 0
    """With fewer events than this in the short window no alert fires."""


class AlertBook(StrictModel):
    """A book `alerts/NAME.yaml`."""

    service: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    """Becomes the label `service` of every alert."""
    team: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    """Becomes the label `team`."""
    rules: Annotated[
        dict[RuleName, Annotated[Alert | Objective, Field(discriminator="kind")]], Field(min_length=1)
    ]
    """Alerts and objectives by name; the name is the alert's name in Prometheus too."""
