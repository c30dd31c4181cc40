"""The books that ship: no errors, every alert tested for real, rendered files as they should be."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from tests.alerts.books import ROOT, SHIPPED, changed, compiled, every_kind, shipped

from opsctl.alerts.files import LOCK, render_files
from opsctl.alerts.lint.registry import LintContext
from opsctl.alerts.lint.run import lint_books
from opsctl.alerts.severity import AlertSeverity
from opsctl.alerts.target import Histograms, PrometheusVersion, Target
from opsctl.alerts.testing.run import RuleTester
from opsctl.alerts.unit_tests.cases import cases_of
from opsctl.alerts.unit_tests.model import CaseKind
from opsctl.chaos.registry import all_faults
from opsctl.core.clock import SystemClock
from opsctl.core.differences import differences
from opsctl.core.events import Event, PhaseFinished, ignore
from opsctl.core.findings import Severity
from opsctl.metrics.contract import full_contract

needs_tools = pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("amtool") is None,
    reason="promtool or amtool is not installed",
)


def rendered(target: Target | None = None) -> dict[str, str]:
    """Return what the shipped books are rendered to."""
    books = shipped()
    chosen = target or Target()
    return dict(render_files(books, compiled(books, chosen), target=chosen, contract=full_contract()))


def test_the_shipped_books_have_no_errors():
    """Nor warnings, but for proofs, which stand in nobody's checkout."""
    books = shipped()
    rules = compiled(books)
    context = LintContext(
        books=books,
        rules=rules,
        contract=full_contract().with_recordings((each.name, each.labels) for each in rules.recordings),
        faults=frozenset(all_faults()),
        now=datetime(2026, 11, 27, tzinfo=UTC),
    )

    assert [
        (each.code, each.title) for each in lint_books(context) if each.severity is not Severity.INFO
    ] == []


def test_the_rendered_files_are_those_of_the_books():
    """Whoever changes a book renders it."""
    there = {
        str(path.relative_to(SHIPPED / "rendered")): path.read_text()
        for path in (SHIPPED / "rendered").rglob("*")
        if path.is_file()
    }

    assert [(each.path, each.state) for each in differences(rendered(), there)] == []


@pytest.mark.slow
def test_the_same_books_give_the_same_bytes():
    """Twice in one process, and the lock holds the digest of each file."""
    first, second = rendered(), rendered()

    assert first == second
    assert set(json.loads(first[LOCK])["files"]) == set(first) - {LOCK}


def test_the_three_alerts_of_the_brief_are_there_by_name():
    """Threshold, severity and receiver as they were asked for."""
    rules = compiled(shipped())
    wanted = {
        "high_error_rate": (0.01, ">", AlertSeverity.CRITICAL, ("pagerduty",)),
        "slow_feed_generation": (1.0, ">", AlertSeverity.WARNING, ("slack",)),
        "quality_drift": (0.7, "<", AlertSeverity.WARNING, ("email",)),
    }

    for name, expected in wanted.items():
        alert = rules.alert(name)
        assert alert is not None
        assert (alert.threshold, alert.comparison, alert.severity, alert.receivers) == expected


def test_pages_come_within_90_seconds_and_are_predicted_to():
    """Of those that a drill can raise."""
    pages = [alert for alert in compiled(shipped()).alerts if alert.severity is AlertSeverity.CRITICAL]

    assert len(pages) > 8
    for page in pages:
        assert page.detect_within_seconds <= 90
        assert page.predicted_seconds is None or page.predicted_seconds <= page.detect_within_seconds


@pytest.mark.slow
def test_native_histograms_of_prometheus_3_are_another_dialect():
    """No `_bucket` is left, and every file is there."""
    native = rendered(Target(version=PrometheusVersion.V3, histograms=Histograms.NATIVE))

    rules = "".join(text for path, text in native.items() if path.startswith("prometheus/rules/"))
    assert "_bucket" not in rules
    assert "histogram_quantile(0.99, sum(rate(ranking_feed_generation_duration_seconds[1m])))" in rules
    assert native.keys() == rendered().keys()


def test_every_alert_fires_stays_silent_and_does_so_without_data():
    """Coverage of the unit tests is whole."""
    books = shipped()
    rules = compiled(books)

    counted = {alert.name: 0 for alert in rules.alerts}
    for case in cases_of(books, rules, contract=full_contract()):
        counted[case.alert] += 1

    assert {name for name, count in counted.items() if count < 3} == {"Watchdog"}


@pytest.mark.drill
@needs_tools
def test_promtool_and_amtool_agree_with_all_shipped_rules_and_routes():
    """Every unit test of every alert, and the way of each, for real."""
    books = shipped()
    rules = compiled(books)

    told: list[Event] = []
    tester = RuleTester(books, rules, contract=full_contract(), listener=told.append, clock=SystemClock())
    report = tester.test(rules.alerts, mutation=False)

    assert report.findings == ()
    assert sum(report.cases.values()) > 200
    # Every phase starts programs, dozens of times.
    finished = [event for event in told if isinstance(event, PhaseFinished)]
    assert [event.subject for event in finished] == ["rules", "routes"]
    assert all(event.duration_seconds > 0.01 for event in finished)


@pytest.mark.slow
@needs_tools
def test_every_kind_of_signal_passes_its_tests_and_notices_wrong_rules():
    """Of the rules with one thing wrong nine in ten at least are noticed."""
    books = every_kind()
    rules = compiled(books)
    quick = [alert for alert in rules.alerts if alert.tier is None or alert.tier == "fast"]

    tester = RuleTester(books, rules, contract=full_contract(), listener=ignore, clock=SystemClock())
    report = tester.test(
        [alert for alert in quick if alert.name in ("ratio", "level", "share")], mutation=True
    )

    assert report.findings == ()
    assert report.mutants > 12
    assert report.mutation_score is not None
    assert report.mutation_score >= 0.9, [(each.alert, each.change) for each in report.survivors]


@needs_tools
def test_a_share_that_is_too_low_fires_where_its_part_was_never_counted():
    """After a start with a cache that never hits there is no series of hits at all."""
    books = changed("ratio", above=None, below=0.5)
    rules = compiled(books)
    tester = RuleTester(books, rules, contract=full_contract(), listener=ignore, clock=SystemClock())

    report = tester.test([alert for alert in rules.alerts if alert.name == "ratio"], mutation=False)

    assert CaseKind.NEVER_COUNTED in {each.kind for each in cases_of(books, rules, contract=full_contract())}
    assert report.findings == ()


@pytest.mark.drill
@needs_tools
def test_nine_in_ten_wrong_rules_of_the_shipped_books_are_noticed():
    """All mutants of all alerts."""
    books = shipped()
    rules = compiled(books)

    report = RuleTester(books, rules, contract=full_contract(), listener=ignore, clock=SystemClock()).test(
        rules.alerts, mutation=True
    )

    assert report.mutation_score is not None
    assert report.mutation_score >= 0.9


def test_every_rule_has_a_runbook():
    """By its name."""
    files = {path.name for path in (ROOT / "docs" / "runbooks").glob("*.md")}

    assert {alert.runbook for alert in compiled(shipped()).alerts} <= files
