"""What may stand in a book of dashboards: rows of panels, each with what it shows and why anybody should look."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from opsctl.config.model import StrictModel

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]


def _with_words(text: str) -> str:
    if not text.strip():
        raise ValueError("nothing is said; write a few words")
    return text


Title = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_with_words)]


class PanelKind(StrEnum):
    """How a panel looks, in Grafana's words."""

    TIMESERIES = "timeseries"
    STAT = "stat"
    GAUGE = "gauge"
    BAR_GAUGE = "bar_gauge"
    TABLE = "table"
    HEATMAP = "heatmap"
    STATE_TIMELINE = "state_timeline"


class Query(StrictModel):
    """One question to Prometheus."""

    expr: Annotated[str, Field(min_length=1, max_length=2000)]
    """PromQL; rates take `$__rate_interval`, selectors `job=~"$job",instance=~"$instance"`."""
    legend: Annotated[str, Field(min_length=1, max_length=100)]
    """Name of each line, such as `{{route}}`."""


class Panel(StrictModel):
    """One picture."""

    kind: PanelKind = PanelKind.TIMESERIES
    """How it looks."""
    title: Title
    """A few words."""
    description: Annotated[str, Field(min_length=10, max_length=500)]
    """What it shows and what to make of it, for whoever sees it for the first time."""
    unit: Annotated[str, Field(min_length=1)]
    """Grafana's name of the unit, such as `s`, `percentunit`, `reqps`, `bytes`, `short`."""
    queries: Annotated[list[Query], Field(min_length=1, max_length=12)]
    """What is drawn."""
    width: Annotated[int, Field(ge=4, le=24)] = 12
    """Columns of 24."""
    height: Annotated[int, Field(ge=3, le=20)] = 8
    """Grid units."""
    min: float | None = 0
    """Where the axis begins; null for values below 0."""
    max: float | None = None
    """Where it ends."""
    decimals: Annotated[int | None, Field(ge=0, le=6)] = None
    """Digits after the point."""

    @model_validator(mode="after")
    def _axis_goes_up(self) -> Self:
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"the axis ends at {self.max:g}, below where it begins, {self.min:g}")
        return self


class DashboardBook(StrictModel):
    """A book `dashboards/NAME.yaml`."""

    title: Title
    """Shown above everything."""
    description: Annotated[str, Field(min_length=10, max_length=500)]
    """Whom it is for."""
    rows: Annotated[dict[Title, dict[Key, Panel]], Field(min_length=1)]
    """Panels by their key, in rows by their title."""
