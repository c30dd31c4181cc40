"""How does a dashboard look to Grafana: its JSON, through Grafana's own SDK, the same bytes each time.

The SDK types shapes, not meaning: numbers, addresses, grid and links come from our own model.
"""

import json
import warnings
from functools import cache
from typing import Any

from opsctl.core.errors import NotReadyError
from opsctl.dashboards.book import PanelKind
from opsctl.dashboards.ids import dashboard_uid
from opsctl.dashboards.model import AlertLine, Board, PlacedPanel, PlacedRow

_DATASOURCE = "$datasource"
_TAGS = ["generated", "opsctl"]
_VARIABLES = (("job", "label_values(up, job)"), ("instance", 'label_values(up{job=~"$job"}, instance)'))
_COLOURS = {"critical": "red", "warning": "orange", "info": "blue", "none": "text"}


def render_board(board: Board) -> str:
    """Return the JSON of a dashboard (Grafana's classic schema), ending with a newline.

    Raises:
        NotReadyError: DSH091 Grafana's SDK is not installed, or another version of it.
    """
    built = _sdk().dashboard_json(board)
    return json.dumps(built, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@cache
def _sdk() -> "_Sdk":
    return _Sdk()


class _Sdk:
    """Grafana's SDK, imported once: it warns of its own older models, which are what Grafana 12 and 13 still read."""

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                from grafana_foundation_sdk.builders import (
                    bargauge,
                    common,
                    dashboard,
                    gauge,
                    heatmap,
                    prometheus,
                    stat,
                    statetimeline,
                    table,
                    timeseries,
                )
                from grafana_foundation_sdk.models import common as common_models
                from grafana_foundation_sdk.models import dashboard as models
                from grafana_foundation_sdk.models import prometheus as prometheus_models
        except ImportError as error:
            raise _without_sdk(error) from error
        self._dashboard: Any = dashboard
        self._prometheus: Any = prometheus
        self._common: Any = common
        self._models: Any = models
        self._common_models: Any = common_models
        self._table_format: Any = prometheus_models.PromQueryFormat.TABLE
        self._panels: dict[PanelKind, Any] = {
            PanelKind.TIMESERIES: timeseries,
            PanelKind.STAT: stat,
            PanelKind.GAUGE: gauge,
            PanelKind.BAR_GAUGE: bargauge,
            PanelKind.TABLE: table,
            PanelKind.HEATMAP: heatmap,
            PanelKind.STATE_TIMELINE: statetimeline,
        }
        self._reference = common_models.DataSourceRef(type_val="prometheus", uid=_DATASOURCE)

    def dashboard_json(self, board: Board) -> dict[str, Any]:
        """Return the dashboard as plain values."""
        from grafana_foundation_sdk.cog.encoder import JSONEncoder

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            builder = self._builder(board)
            for variable in self._variables():
                builder = builder.with_variable(variable)
            for row in board.rows:
                builder = builder.with_row(self._row(row))
                for panel in row.panels:
                    builder = builder.with_panel(self._panel(panel))
            built: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(builder.build()))
        for row_json, row in zip(
            (each for each in built["panels"] if each["type"] == "row"), board.rows, strict=True
        ):
            row_json["id"] = row.id  # the SDK counts rows from 0, which Grafana cannot open
        return built

    def _builder(self, board: Board) -> Any:
        models = self._models
        return (
            self._dashboard.Dashboard(board.title)
            .uid(dashboard_uid(board.name))
            .description(board.description)
            .tags(_TAGS)
            .timezone("utc")
            .refresh("30s")
            .time("now-1h", "now")
            .readonly()
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .link(
                self._dashboard.DashboardLink("Other dashboards")
                .type(models.DashboardLinkType.DASHBOARDS)
                .tags(["opsctl"])
                .as_dropdown(True)
                .keep_time(True)
                .include_vars(True)
            )
            .annotation(
                self._dashboard.AnnotationQuery()
                .name("Alerts")
                .datasource(self._reference)
                .expr('ALERTS{alertstate="firing"}')
                .title_format("{{alertname}}")
                .text_format("{{severity}}")
                .icon_color("red")
                .enable(True)
            )
        )

    def _variables(self) -> list[Any]:
        models, dashboard = self._models, self._dashboard
        source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
        chosen = [
            dashboard.QueryVariable(name)
            .label(name.capitalize())
            .datasource(self._reference)
            .query(query)
            .multi(True)
            .include_all(True)
            .all_value(".+")
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(models.VariableSort.ALPHABETICAL_ASC)
            .current(models.VariableOption(selected=True, text="All", value="$__all"))
            for name, query in _VARIABLES
        ]
        return [source, *chosen]

    def _row(self, row: PlacedRow) -> Any:
        place = self._models.GridPos(h=1, w=24, x=0, y=row.y)
        return self._dashboard.Row(row.title).grid_pos(place)

    def _panel(self, placed: PlacedPanel) -> Any:
        panel = placed.panel
        place = self._models.GridPos(h=panel.height, w=panel.width, x=placed.x, y=placed.y)
        builder = (
            self._panels[panel.kind]
            .Panel()
            .id(placed.id)
            .title(panel.title)
            .description(panel.description)
            .datasource(self._reference)
            .grid_pos(place)
            .unit(panel.unit)
        )
        if panel.min is not None:
            builder = builder.min(panel.min)
        if panel.max is not None:
            builder = builder.max(panel.max)
        if panel.decimals is not None:
            builder = builder.decimals(panel.decimals)
        for index, query in enumerate(panel.queries):
            builder = builder.with_target(self._target(query.expr, query.legend, index, panel.kind))
        links = [self._link(alert) for alert in placed.alerts]
        if links:
            builder = builder.links(links)
        if panel.kind in (PanelKind.TIMESERIES, PanelKind.STATE_TIMELINE):
            legend = (
                self._common.VizLegendOptions()
                .show_legend(True)
                .display_mode(self._common_models.LegendDisplayMode.LIST)
            )
            builder = builder.legend(legend.placement(self._common_models.LegendPlacement.BOTTOM))
        return self._with_thresholds(builder, placed)

    def _target(self, expr: str, legend: str, index: int, kind: PanelKind) -> Any:
        target = (
            self._prometheus.Dataquery()
            .datasource(self._reference)
            .ref_id(chr(ord("A") + index))
            .expr(expr)
            .legend_format(legend)
        )
        if kind is PanelKind.TABLE:
            # As time series each row would be a table of its own, behind a menu.
            return target.instant().format(self._table_format)
        if kind in (PanelKind.STAT, PanelKind.GAUGE, PanelKind.BAR_GAUGE):
            return target.instant()
        return target.range()

    def _link(self, alert: AlertLine) -> Any:
        return (
            self._dashboard.DashboardLink(f"Runbook: {alert.name}")
            .url(alert.runbook_url)
            .type(self._models.DashboardLinkType.LINK)
        )

    def _with_thresholds(self, builder: Any, placed: PlacedPanel) -> Any:
        """Draw the thresholds of the alerts that the panel shows, those below a value as those above it."""
        steps = threshold_steps(placed.alerts)
        if not steps:
            return builder
        models = self._models
        drawn = (
            self._dashboard.ThresholdsConfig()
            .mode(models.ThresholdsMode.ABSOLUTE)
            .steps([models.Threshold(value=value, color=colour) for value, colour in steps])
        )
        builder = builder.thresholds(drawn)
        if placed.panel.kind is PanelKind.TIMESERIES:
            style = self._common.GraphThresholdsStyleConfig().mode(
                self._common_models.GraphThresholdsStyleMode.DASHED
            )
            builder = builder.thresholds_style(style)
        return builder


def threshold_steps(alerts: tuple[AlertLine, ...]) -> list[tuple[float | None, str]]:
    """Return where the colour changes, from the lowest value on; nothing without thresholds.

    >>> line = AlertLine(name="a", rule="a", severity="critical", signal_expr="", threshold=0.01, comparison=">",
    ...     summary="", runbook_url="", panel=None)
    >>> threshold_steps((line,))
    [(None, 'green'), (0.01, 'red')]
    """
    lines = sorted(
        {
            (alert.threshold, alert.comparison, alert.severity)
            for alert in alerts
            if alert.threshold is not None
        }
    )
    if not lines:
        return []
    above = [(value, _COLOURS[severity]) for value, comparison, severity in lines if comparison == ">"]
    below = [(value, _COLOURS[severity]) for value, comparison, severity in lines if comparison == "<"]
    steps: list[tuple[float | None, str]] = [(None, below[0][1] if below else "green")]
    steps += [
        (value, below[index + 1][1] if index + 1 < len(below) else "green")
        for index, (value, _) in enumerate(below)
    ]
    return [*steps, *above]


def _without_sdk(error: ImportError) -> NotReadyError:
    """Return what to do: install it, or where it is there and lacks a part, take the version that has it."""
    is_missing = isinstance(error, ModuleNotFoundError)
    message = "is not installed" if is_missing else "is here in a version that opsctl does not know"
    install = f"pip install {'' if is_missing else '--upgrade '}'opsctl[grafana]'"
    return NotReadyError(
        f"Grafana's SDK, through which dashboards are written, {message}",
        code="DSH091",
        why=str(error),
        fix=f"{install}, then run this command again; to look at them without it: opsctl dashboards preview",
    )
