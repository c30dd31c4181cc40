"""What does an alert look at: signals by kind, so that rule, prediction and unit test can be made from one declaration.

A selector is a metric of the contract with matchers, such as `ranking_requests_total{status="5xx"}`; never with a range
and never with a function around it: the renderer adds those for the chosen target.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from opsctl.alerts.promql_text import checked_selector
from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration

Selector = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(checked_selector)]
Label = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
Labels = Annotated[list[Label], Field(max_length=8)]


class RatioSignal(StrictModel):
    """Which part of some events are of one sort: counters over counters, such as failed requests of all requests."""

    kind: Literal["ratio"]
    of: Selector
    """The counter of the sort that matters."""
    to: Selector
    """The counter of all events."""
    window: PositiveDuration
    """The time over which both are counted."""
    by: Labels = []
    """One ratio for each value of these labels."""
    min_events: Annotated[float, Field(ge=0)] = 0
    """With fewer events than this in the window the ratio says nothing and the alert keeps quiet."""


class QuantileSignal(StrictModel):
    """How long did the slowest part take: a quantile of a histogram."""

    kind: Literal["quantile"]
    of: Selector
    """The histogram, without `_bucket`."""
    quantile: Annotated[float, Field(gt=0, lt=1)]
    """Such as 0.99."""
    window: PositiveDuration
    """The time over which it is taken."""
    by: Labels = []
    """One quantile for each value of these labels."""
    min_events: Annotated[float, Field(ge=0)] = 0
    """With fewer observations than this in the window the alert keeps quiet."""


class MeanSignal(StrictModel):
    """What is the mean of a histogram's observations."""

    kind: Literal["mean"]
    of: Selector
    """The histogram, without a suffix."""
    window: PositiveDuration
    """The time over which it is taken."""
    by: Labels = []
    """One mean for each value of these labels."""
    min_events: Annotated[float, Field(ge=0)] = 0
    """With fewer observations than this in the window the alert keeps quiet."""


class RateSignal(StrictModel):
    """How often does something happen: events a second of a counter."""

    kind: Literal["rate"]
    of: Selector
    """The counter."""
    window: PositiveDuration
    """The time over which events are counted."""
    by: Labels = []
    """One rate for each value of these labels."""


class LevelSignal(StrictModel):
    """Where does a gauge stand."""

    kind: Literal["level"]
    of: Selector
    """The gauge."""
    combine: Literal["sum", "max", "min", "avg"] = "max"
    """How several series become one."""
    over: PositiveDuration | None = None
    """Take each series' mean over this time first."""
    by: Labels = []
    """One level for each value of these labels."""


class ShareSignal(StrictModel):
    """Which part of one gauge is another: busy connections of all connections."""

    kind: Literal["share"]
    of: Selector
    """The part."""
    to: Selector
    """The whole."""
    by: Labels = []
    """One share for each value of these labels."""


class AgeSignal(StrictModel):
    """How long ago was something: seconds since a gauge that holds a moment (seconds since 1970)."""

    kind: Literal["age"]
    of: Selector
    """The gauge; the newest of several counts."""
    by: Labels = []
    """One age for each value of these labels."""


class AbsenceSignal(StrictModel):
    """Is nothing there where something should be: no series at all for this selector."""

    kind: Literal["absence"]
    of: Selector
    """What should be there."""


class AlwaysSignal(StrictModel):
    """Fires for ever: the alert by which a dead man's switch notices that the chain itself is broken."""

    kind: Literal["always"]


class SeriesOfTest(StrictModel):
    """One input series of a unit test that an author writes for a query of their own."""

    series: Selector
    """Name and labels."""
    values: Annotated[str, Field(min_length=1)]
    """In promtool's notation, one value each 15 seconds, such as `0+3x40`."""


class QuerySignal(StrictModel):
    """Any PromQL that gives the value to be compared; what no other kind can say. Its tests are written by hand."""

    kind: Literal["query"]
    expr: Annotated[str, Field(min_length=1, max_length=2000)]
    """PromQL without the comparison."""
    firing: Annotated[list[SeriesOfTest], Field(min_length=1)]
    """Series with which the alert must fire."""
    quiet: Annotated[list[SeriesOfTest], Field(min_length=1)]
    """Series just on the good side of the threshold, with which it must not."""


Signal = Annotated[
    RatioSignal
    | QuantileSignal
    | MeanSignal
    | RateSignal
    | LevelSignal
    | ShareSignal
    | AgeSignal
    | AbsenceSignal
    | AlwaysSignal
    | QuerySignal,
    Field(discriminator="kind"),
]
