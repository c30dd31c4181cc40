"""What a book of dashboards must not be called or say, and alerts that say more than a book may."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.alerts.books import compiled, every_kind
from tests.dashboards.boards import FOLDER, lint_context

from opsctl.config.load import parse_book
from opsctl.core.errors import OpsError, UsageError
from opsctl.dashboards.book import DashboardBook
from opsctl.dashboards.grafana import render_board
from opsctl.dashboards.ids import dashboard_uid
from opsctl.dashboards.lint.registry import linted
from opsctl.dashboards.lint.run import lint_dashboards
from opsctl.dashboards.load import load_dashboards
from opsctl.dashboards.model import AlertLine, board_of_alerts, place

CONTEXT = lint_context()
BOOK = """
title: Feed
description: For whoever looks at it.
rows:
  Requests:
    rate:
      title: Requests
      description: How many there are.
      unit: reqps
      queries: [{expr: up, legend: a}]
"""


def written(tmp_path: Path, *, name: str = "feed", text: str = BOOK) -> Path:
    """Return a folder with one book."""
    (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["lock", "alerts", "Lock", "ALERTS"])
def test_a_book_cannot_have_the_name_of_a_file_that_is_rendered_anyway(tmp_path: Path, name: str):
    """One of the two would be lost."""
    with pytest.raises(UsageError) as refused:
        load_dashboards(written(tmp_path, name=name))

    assert refused.value.code == "DSH090"


@pytest.mark.parametrize(
    "change",
    [
        ("title: Feed", "title: '  '"),
        ("Requests:", "' ':"),
        ("unit: reqps", "unit: reqps\n      min: 3\n      max: 2"),
    ],
)
def test_what_would_show_nothing_is_refused(change: tuple[str, str]):
    """Blank titles, and an axis that ends before it begins."""
    with pytest.raises(OpsError):
        parse_book(BOOK.replace(*change, 1), DashboardBook, file="feed.yaml")


def test_what_terminals_obey_is_found_at_its_place(tmp_path: Path):
    """In values and in keys."""
    text = (
        BOOK.replace("How many", '"How \\u202e many')
        .replace("are.", 'are."')
        .replace("Requests:", '"Req\\euests":')
    )
    (loaded,) = load_dashboards(written(tmp_path, text=text))
    board = place(loaded.name, loaded.book, alerts=())
    context = replace(CONTEXT, boards=[linted(board, render_board(board), loaded)])

    found = [each for each in lint_dashboards(context) if each.code == "DSH028"]

    assert [each.location.line for each in found if each.location] == [5, 8]
    assert "\\u202e" in found[1].title


def test_a_file_that_is_almost_a_book_is_told():
    """Nobody reads `more.yml`."""
    found = lint_dashboards(replace(CONTEXT, ignored=["dashboards/more.yml"]))

    assert [each.code for each in found if str(each.location) == "dashboards/more.yml"] == ["DSH027"]


@pytest.mark.parametrize("expr", ["up == NaN", "up == Inf", " + ".join(["up"] * 900)])
def test_any_expression_is_judged(tmp_path: Path, expr: str):
    """Whatever number is in it, and however many terms."""
    (loaded,) = load_dashboards(written(tmp_path))
    panel = loaded.book.rows["Requests"]["rate"]
    query = panel.queries[0].model_copy(update={"expr": expr})
    book = loaded.book.model_copy(
        update={"rows": {"Requests": {"rate": panel.model_copy(update={"queries": [query]})}}}
    )
    board = place("feed", book, alerts=())

    assert lint_dashboards(replace(CONTEXT, boards=[linted(board, render_board(board), loaded)]))


def test_an_alert_without_a_panel_leads_to_its_own_on_the_generated_dashboard():
    """Every alert of an objective to its own, and one that begins with a capital letter too."""
    alerts = compiled(every_kind()).alerts
    lines = [
        AlertLine(
            name=alert.name,
            rule=alert.rule,
            severity=str(alert.severity),
            signal_expr=alert.signal_expr,
            threshold=alert.threshold,
            comparison=alert.comparison,
            summary=alert.annotations["summary"],
            runbook_url=alert.annotations["runbook_url"],
            panel=None,
        )
        for alert in alerts
    ]

    board = board_of_alerts(lines)

    ids = {panel.panel.title: panel.id for row in board.rows for panel in row.panels}
    assert {alert.name: int(alert.annotations["__panelId__"]) for alert in alerts} == ids
    assert {alert.annotations["__dashboardUid__"] for alert in alerts} == {dashboard_uid(board.name)}


def test_an_alert_may_have_a_longer_name_and_summary_than_a_panel():
    """Its panel is made from it, and nobody writes it."""
    alert = AlertLine(
        name="a" * 110,
        rule="a" * 100,
        severity="critical",
        signal_expr="up" + " + up" * 700,
        threshold=1.0,
        comparison=">",
        summary=f"{'S' * 999}.",
        runbook_url="a.md",
        panel=None,
    )

    assert "a" * 110 in render_board(board_of_alerts([alert]))


def test_the_books_that_ship_are_in_their_folder():
    """None is left out by its name."""
    assert len(load_dashboards(FOLDER)) == len(list(FOLDER.glob("*.yaml")))
