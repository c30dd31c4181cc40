"""What does the preview ask and answer: the books' own expressions, never anybody else's, as values for the page."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.clients.prometheus import Prometheus, Series
from opsctl.core.errors import UsageError
from opsctl.dashboards.book import PanelKind
from opsctl.dashboards.model import Board, PlacedPanel

_POINTS = 240
_SCRAPE_SECONDS = 5.0
_LONGEST_SECONDS = 7 * 86_400
_CHOICE = re.compile(r"[\w.:\-/]{0,200}")
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_INSTANT = (PanelKind.STAT, PanelKind.GAUGE, PanelKind.BAR_GAUGE, PanelKind.TABLE)
_MOST_SERIES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a page wants to see: how far back, of which job and instance; all where nothing is chosen."""

    range_seconds: float
    job: str = ""
    instance: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Asked":
        """Read what a page sent.

        Raises:
            UsageError: DSH093 it is none of what the page offers.
        """
        try:
            seconds = float(parameters.get("range", "3600"))
        except ValueError:
            seconds = math.nan
        choices = {name: parameters.get(name, "") for name in ("job", "instance")}
        if not 60 <= seconds <= _LONGEST_SECONDS or not all(
            _CHOICE.fullmatch(each) for each in choices.values()
        ):
            raise UsageError("the page asks for something that it does not offer", code="DSH093")
        return cls(range_seconds=seconds, **choices)


class Preview:
    """Answers the page's questions.

    Args:
        boards: what may be asked for.
        prometheus: whom to ask.
        runbooks: the text of each runbook by its rule.
    """

    def __init__(
        self, boards: Sequence[Board], *, prometheus: Prometheus, runbooks: Mapping[str, str]
    ) -> None:
        self._boards = {board.name: board for board in boards}
        self._prometheus = prometheus
        self._runbooks = runbooks

    def boards(self) -> dict[str, Any]:
        """Return every dashboard with its panels, without any values."""
        return {
            "prometheus": self._prometheus.url,
            "boards": [_board(board) for board in self._boards.values()],
        }

    def panel(self, board: str, key: str, asked: Asked, *, now: float) -> dict[str, Any]:
        """Return the series of one panel.

        Raises:
            UsageError: DSH093 there is no such panel.
        """
        placed = self._placed(board, key)
        step = max(_SCRAPE_SECONDS, asked.range_seconds / _POINTS)
        end = math.floor(now / step) * step
        series = [
            {"legend": _legend(query.legend, found.labels), "points": _points(found)}
            for query in placed.panel.queries
            for found in self._values(substituted(query.expr, asked, step=step), placed, end, asked, step)
        ]
        return {
            "start": end - asked.range_seconds,
            "end": end,
            "step": step,
            "series": series[:_MOST_SERIES],
        }

    def alerts(self) -> dict[str, Any]:
        """Return the alerts that are pending or firing."""
        return {
            "alerts": [
                {
                    "name": alert.name,
                    "state": alert.state,
                    "severity": alert.labels.get("severity", "none"),
                    "summary": alert.annotations.get("summary", ""),
                }
                for alert in self._prometheus.alerts()
            ]
        }

    def values(self) -> dict[str, list[str]]:
        """Return the jobs and instances from which the page lets people choose."""
        found = self._prometheus.query("up")
        return {
            name: sorted({point.labels.get(name, "") for point in found} - {""})
            for name in ("job", "instance")
        }

    def runbook(self, name: str) -> dict[str, str]:
        """Return the runbook of a rule, or of an alert that came from one.

        Raises:
            UsageError: DSH093 there is none.
        """
        text = self._runbooks.get(name)
        if text is None:
            raise UsageError("it was not written yet", code="DSH093")
        return {"text": text}

    def _values(
        self, expr: str, placed: PlacedPanel, end: float, asked: Asked, step: float
    ) -> Sequence[Series]:
        if placed.panel.kind in _INSTANT:
            return [
                Series(labels=point.labels, points=((point.at, point.value),))
                for point in self._prometheus.query(expr)
            ]
        return self._prometheus.query_range(expr, start=end - asked.range_seconds, end=end, step_seconds=step)

    def _placed(self, board: str, key: str) -> PlacedPanel:
        for placed in self._boards[board].panels if board in self._boards else ():
            if placed.key == key:
                return placed
        raise UsageError("there is no such panel", code="DSH093")


def substituted(expr: str, asked: Asked, *, step: float) -> str:
    """Return an expression with Grafana's variables filled in, as Grafana would do it.

    >>> substituted('rate(a{job=~"$job"}[$__rate_interval])', Asked(range_seconds=3600), step=15)
    'rate(a{job=~".*"}[20s])'
    """
    interval = f"{math.ceil(max(4 * _SCRAPE_SECONDS, step + _SCRAPE_SECONDS))}s"
    filled = expr.replace("$__rate_interval", interval)
    for name in ("job", "instance"):
        chosen = getattr(asked, name)
        filled = filled.replace(f"${name}", re.escape(chosen).replace("\\", "\\\\") if chosen else ".*")
    return filled


def _board(board: Board) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": board.title,
        "description": board.description,
        "rows": [
            {"title": row.title, "panels": [_panel(placed) for placed in row.panels]} for row in board.rows
        ],
    }


def _panel(placed: PlacedPanel) -> dict[str, Any]:
    panel = placed.panel
    lines = {
        (each.threshold, each.comparison, each.severity)
        for each in placed.alerts
        if each.threshold is not None
    }
    return {
        "key": placed.key,
        "id": placed.id,
        "kind": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "unit": panel.unit,
        "width": panel.width,
        "height": panel.height,
        "min": panel.min,
        "max": panel.max,
        "thresholds": [
            {"value": value, "comparison": comparison, "severity": severity}
            for value, comparison, severity in sorted(lines)
        ],
        "alerts": [
            {"name": each.name, "rule": each.rule, "severity": each.severity, "runbook": each.runbook_url}
            for each in placed.alerts
        ],
    }


def _legend(pattern: str, labels: Mapping[str, str]) -> str:
    written = _LABEL.sub(lambda found: labels.get(found[1], ""), pattern).strip()
    return (
        written
        or ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")
        or "value"
    )


def _points(series: Series) -> list[tuple[float, float]]:
    """Return the points without those that are no number: JSON has no word for them."""
    return [(at, value) for at, value in series.points if math.isfinite(value)]
