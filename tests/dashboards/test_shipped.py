"""The dashboards that ship, and what each check finds when one thing is wrong."""

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.dashboards.boards import FOLDER, files, lint_context

from opsctl.core.differences import differences
from opsctl.core.findings import Severity
from opsctl.dashboards.lint.registry import CHECKS, LintContext
from opsctl.dashboards.lint.run import lint_dashboards

CONTEXT = lint_context()
Change = Callable[[dict[str, Any]], object]


def broken(change: Change, *, board: str = "system") -> LintContext:
    """Return the shipped dashboards, one of them with something wrong."""
    documents = {each.board.name: copy.deepcopy(dict(each.json)) for each in CONTEXT.boards}
    change(documents[board])
    boards = [dataclasses.replace(each, json=documents[each.board.name]) for each in CONTEXT.boards]
    return dataclasses.replace(CONTEXT, boards=boards)


def panel_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the first panel that asks Prometheus something with a rate."""
    found: dict[str, Any] = next(
        each for each in document["panels"] if "rate(" in json.dumps(each.get("targets", []))
    )
    return found


def target_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return its first question."""
    found: dict[str, Any] = panel_of(document)["targets"][0]
    return found


def test_the_shipped_dashboards_have_no_errors_and_no_warnings():
    """Of all checks."""
    found = lint_dashboards(CONTEXT)

    assert [(each.code, each.title) for each in found if each.severity is not Severity.INFO] == []


def test_the_rendered_files_are_those_of_the_books():
    """Whoever changes a book renders it."""
    folder = FOLDER / "rendered"
    there = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}

    assert [(each.path, each.state) for each in differences(files(), there)] == []


def test_the_same_books_give_the_same_bytes():
    """Twice."""
    assert files() == files()


def test_grafana_would_keep_what_is_rendered():
    """Identifiers fit its limits, no panel overlaps another, and every number of a panel is its own."""
    for path, text in files().items():
        if not path.endswith(".json") or path == "lock.json":
            continue
        document = json.loads(text)
        numbers = [panel["id"] for panel in document["panels"]]
        assert len(document["uid"]) <= 40
        assert document["editable"] is False
        assert len(numbers) == len(set(numbers))
        cells = [
            (x, y)
            for panel in document["panels"]
            for place in [panel["gridPos"]]
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        assert len(cells) == len(set(cells))


MISTAKES: dict[str, tuple[str, Change]] = {
    "a panel without a description": ("DSH007", lambda d: panel_of(d).update(description="")),
    "a panel without a unit": ("DSH008", lambda d: panel_of(d)["fieldConfig"]["defaults"].update(unit="")),
    "a panel that asks nothing": ("DSH009", lambda d: panel_of(d).update(targets=[])),
    "an expression that is none": ("DSH011", lambda d: target_of(d).update(expr="sum(rate(")),
    "a rate over a fixed time": (
        "DSH012",
        lambda d: target_of(d).update(expr="sum(rate(ranking_requests_total[5m]))"),
    ),
    "a dashboard that can be edited": ("DSH016", lambda d: d.update(editable=True)),
    "a variable that nobody declares": (
        "DSH023",
        lambda d: target_of(d).update(expr='sum(up{job="$nobody"})'),
    ),
}


@pytest.mark.parametrize(("code", "change"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(code: str, change: Change):
    """With its place in the book and a page that explains it."""
    found = [each for each in lint_dashboards(broken(change)) if each.severity is not Severity.INFO]

    assert code in {each.code for each in found}, [(each.code, each.title) for each in found]
    assert all(each.location is not None for each in found)


def test_every_check_has_a_page():
    """`opsctl explain` shows it."""
    assert all(check.explanation for check in CHECKS.values())
