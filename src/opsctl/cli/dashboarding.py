"""With what do the verbs of `dashboards` work: the project's books, and the lines that its alerts draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.alerts.rules import AlertRule, RuleSet
    from opsctl.clients.prometheus import Prometheus
    from opsctl.dashboards.lint.registry import LintContext
    from opsctl.dashboards.load import LoadedDashboard
    from opsctl.dashboards.model import AlertLine, Board
    from opsctl.metrics.contract import Contract


def books() -> "tuple[LoadedDashboard, ...]":
    """Return the project's dashboards."""
    from opsctl.cli import wiring
    from opsctl.dashboards.load import load_dashboards

    settings = wiring.settings()
    return load_dashboards(settings.root / settings.project.books.dashboards)


def has_books() -> bool:
    """Tell whether the project has dashboards."""
    from opsctl.cli import wiring
    from opsctl.config.folder import books_in

    settings = wiring.settings()
    return bool(books_in(settings.root / settings.project.books.dashboards).books)


def rules() -> "RuleSet":
    """Return the project's alerts; none where it has no books of them."""
    from opsctl.alerts.load import DELIVERY_FILE
    from opsctl.alerts.rules import RuleSet
    from opsctl.cli import watching, wiring
    from opsctl.config.folder import books_in

    settings = wiring.settings()
    folder = settings.root / settings.project.books.alerts
    if folder / DELIVERY_FILE not in books_in(folder).books:
        return RuleSet(alerts=(), recordings=())
    return watching.load_rules()[1]


def alert_lines(found: "RuleSet") -> "tuple[AlertLine, ...]":
    """Return what dashboards draw of alerts."""
    return tuple(_line(alert) for alert in found.alerts)


def contract(found: "RuleSet") -> "Contract":
    """Return the metric contract with the series that the alerts record."""
    from opsctl.metrics.contract import full_contract

    return full_contract().with_recordings((each.name, each.labels) for each in found.recordings)


def lint_context() -> "LintContext":
    """Return everything that the checks look at, the rendered JSON included."""
    from opsctl.cli import wiring
    from opsctl.cli.alert_context import runbook_headings
    from opsctl.config.folder import books_in
    from opsctl.dashboards.files import boards_of
    from opsctl.dashboards.grafana import render_board
    from opsctl.dashboards.lint.registry import LintContext, linted

    settings = wiring.settings()
    loaded, found = {each.name: each for each in books()}, rules()
    lines, known = alert_lines(found), contract(found)
    boards = boards_of(tuple(loaded.values()), lines, contract=known)
    runbooks = runbook_headings()
    return LintContext(
        boards=[linted(board, render_board(board), loaded.get(board.name)) for board in boards],
        contract=known,
        alerts=lines,
        runbooks=None if runbooks is None else frozenset(runbooks),
        ignored=[str(path) for path in books_in(settings.root / settings.project.books.dashboards).ignored],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewParts:
    """What the preview shows and whom it asks."""

    boards: "tuple[Board, ...]"
    prometheus: "Prometheus"
    runbooks: Mapping[str, str]


def preview_parts(url: str | None) -> PreviewParts:
    """Return the dashboards, the Prometheus that is meant, and the runbooks by the names of rules and alerts.

    Raises:
        NotReadyError: PRM001 there is no Prometheus.
    """
    from opsctl.cli import watching
    from opsctl.cli.alert_context import runbook_texts
    from opsctl.clients.prometheus import Prometheus
    from opsctl.dashboards.files import boards_of

    found = rules()
    written = {path.name: text for path, text in (runbook_texts() or {}).items()}
    texts = {
        name: written[alert.runbook]
        for alert in found.alerts
        if alert.runbook in written
        for name in (alert.name, alert.rule)
    }
    return PreviewParts(
        boards=boards_of(books(), alert_lines(found), contract=contract(found)),
        prometheus=Prometheus(url or watching.prometheus_url()),
        runbooks=texts,
    )


def _line(alert: "AlertRule") -> "AlertLine":
    from opsctl.dashboards.model import AlertLine

    return AlertLine(
        name=alert.name,
        rule=alert.rule,
        severity=str(alert.severity),
        signal_expr=alert.signal_expr,
        threshold=alert.threshold,
        comparison=alert.comparison,
        summary=alert.annotations["summary"],
        runbook_url=alert.annotations["runbook_url"],
        panel=(alert.panel.dashboard, alert.panel.panel) if alert.panel else None,
    )
