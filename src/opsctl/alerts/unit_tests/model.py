"""What is one case of a unit test: series over time, and at which moments the alert fires or does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class CaseKind(StrEnum):
    """What a case shows; every alert has those that its signal allows."""

    FIRES = "fires just beyond the threshold"
    BELOW = "does not fire just below it"
    BEFORE_FOR = "waits for its time, then fires"
    RESOLVES = "ends when the trouble ends"
    NO_DATA = "without any series"
    NEVER_COUNTED = "fires while what it counts never happens"
    QUIET = "does not judge by too few events"
    SHORT_BURST = "is not set off by a burst that its long window forgives"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Some steps in which a series grows by (a counter) or stands at (a gauge) a number; None is no sample."""

    steps: int
    number: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSeries:
    """One series: name, labels, and its phases; `is_counter` adds up. `written` is what an author wrote instead."""

    name: str
    labels: Mapping[str, str]
    phases: Sequence[Phase]
    is_counter: bool = True
    written: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """At so many seconds the alert fires with these more labels, or does not."""

    at_seconds: float
    fires: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test of one alert.

    Args:
        alert: its name.
        kept_labels: labels beyond the rule's own that the firing alert has.
        step_seconds: between samples, and between evaluations.
    """

    alert: str
    kind: CaseKind
    series: Sequence[InputSeries]
    moments: Sequence[Moment]
    kept_labels: Mapping[str, str]
    step_seconds: float
