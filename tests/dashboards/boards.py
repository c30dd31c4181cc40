"""The dashboards that ship, as the checks and the preview get them."""

from pathlib import Path

from tests.alerts.books import compiled, shipped

from opsctl.cli.dashboarding import alert_lines, contract
from opsctl.dashboards.files import boards_of, render_dashboards
from opsctl.dashboards.grafana import render_board
from opsctl.dashboards.lint.registry import LintContext, linted
from opsctl.dashboards.load import load_dashboards
from opsctl.dashboards.model import Board

FOLDER = Path(__file__).parents[2] / "dashboards"


def boards() -> tuple[Board, ...]:
    """Return every dashboard, the generated one last."""
    rules = compiled(shipped())
    return boards_of(load_dashboards(FOLDER), alert_lines(rules), contract=contract(rules))


def files() -> dict[str, str]:
    """Return every rendered file by its path."""
    rules = compiled(shipped())
    return dict(render_dashboards(load_dashboards(FOLDER), alert_lines(rules), contract=contract(rules)))


def lint_context() -> LintContext:
    """Return what `opsctl dashboards lint` looks at."""
    rules = compiled(shipped())
    loaded = {each.name: each for each in load_dashboards(FOLDER)}
    return LintContext(
        boards=[linted(board, render_board(board), loaded.get(board.name)) for board in boards()],
        contract=contract(rules),
        alerts=alert_lines(rules),
        runbooks=frozenset(alert.runbook for alert in rules.alerts),
    )
