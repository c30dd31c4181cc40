"""What is drawn: panels at their places, with the thresholds and links that alerts give them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from opsctl.dashboards.book import DashboardBook, Panel, PanelKind, Query
from opsctl.dashboards.ids import panel_id

GENERATED = "alerts"
"""The dashboard that is made of the alerts: one panel for each rule."""
COLUMNS = 24
_SCOPE = 'job=~"$job",instance=~"$instance"'
_SELECTOR = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<matchers>[^}]*)\})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """What a dashboard knows of an alert: where it draws the line, and where to read on.

    Args:
        rule: name in the book; several alerts come from one objective.
        panel: dashboard and key of the panel that shows it; None for the generated dashboard.
    """

    name: str
    rule: str
    severity: str
    signal_expr: str
    threshold: float | None
    comparison: str
    summary: str
    runbook_url: str
    panel: tuple[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPanel:
    """A panel with its number, its place on the grid of 24 columns, and the alerts that it shows."""

    id: int
    key: str
    panel: Panel
    x: int
    y: int
    alerts: tuple[AlertLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRow:
    """A row's title bar and the panels below it."""

    id: int
    title: str
    y: int
    panels: tuple[PlacedPanel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A whole dashboard."""

    name: str
    title: str
    description: str
    rows: tuple[PlacedRow, ...]

    @property
    def panels(self) -> tuple[PlacedPanel, ...]:
        """Return all panels, from the top."""
        return tuple(panel for row in self.rows for panel in row.panels)


def place(name: str, book: DashboardBook, *, alerts: Sequence[AlertLine]) -> Board:
    """Return a dashboard with every panel at its place: left to right, a new line where the next one does not fit."""
    shown: dict[str, list[AlertLine]] = {}
    for alert in alerts:
        if alert.panel is not None and alert.panel[0] == name:
            shown.setdefault(alert.panel[1], []).append(alert)
    rows, y = [], 0
    for title, panels in book.rows.items():
        placed, bottom = _placed(name, panels, top=y + 1, shown=shown)
        rows.append(PlacedRow(id=panel_id(name, f"row {title}"), title=title, y=y, panels=tuple(placed)))
        y = bottom
    return Board(name=name, title=book.title, description=book.description, rows=tuple(rows))


def board_of_alerts(alerts: Sequence[AlertLine], *, scraped: Collection[str] = ()) -> Board:
    """Return the dashboard that shows each rule's signal against its threshold, by severity.

    Args:
        alerts: what to show.
        scraped: names of series that have a job and an instance; those are chosen by the variables of the page.
    """
    rows: dict[str, dict[str, Panel]] = {}
    lines = []
    for alert in alerts:
        # Without the limits of a book, which are for people: names of alerts may be longer than titles.
        rows.setdefault(alert.severity.capitalize(), {})[alert.name.lower()] = Panel.model_construct(
            kind=PanelKind.TIMESERIES,
            title=alert.name,
            description=f"{alert.summary} Fires where the line is {_side(alert)} the threshold.",
            unit="short",
            queries=[Query.model_construct(expr=scoped(alert.signal_expr, scraped), legend="{{instance}}")],
            width=8,
            min=None,
        )
        lines.append(_on_its_own_panel(alert))
    order = {"Critical": 0, "Warning": 1, "Info": 2, "None": 3}
    book = DashboardBook.model_construct(
        title="All alerts",
        description="Every alert: what it looks at, and where it fires. Made from the alert books.",
        rows=dict(sorted(rows.items(), key=lambda row: order[row[0]])),
    )
    return place(GENERATED, book, alerts=lines)


def scoped(expr: str, scraped: Collection[str]) -> str:
    """Return an expression whose selectors of scraped series follow the variables of a dashboard.

    >>> scoped('sum(rate(a_total{x="y"}[1m])) / b', {"a_total"})
    'sum(rate(a_total{x="y",job=~"$job",instance=~"$instance"}[1m])) / b'
    """

    def add(found: "re.Match[str]") -> str:
        if found["name"] not in scraped:
            return found[0]
        matchers = f"{found['matchers']},{_SCOPE}" if found["matchers"] else _SCOPE
        return f"{found['name']}{{{matchers}}}"

    return _SELECTOR.sub(add, expr)


def _on_its_own_panel(alert: AlertLine) -> AlertLine:
    return replace(alert, panel=(GENERATED, alert.name.lower()))


def _side(alert: AlertLine) -> str:
    return {">": "above", "<": "below"}.get(alert.comparison, "at")


def _placed(
    name: str, panels: Mapping[str, Panel], *, top: int, shown: Mapping[str, Sequence[AlertLine]]
) -> tuple[list[PlacedPanel], int]:
    """Return the panels of a row at their places, and where the next row begins."""
    placed: list[PlacedPanel] = []
    x, y, tallest = 0, top, 0
    for key, panel in panels.items():
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        alerts = tuple(shown.get(key, ()))
        placed.append(PlacedPanel(id=panel_id(name, key), key=key, panel=panel, x=x, y=y, alerts=alerts))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return placed, y + tallest
