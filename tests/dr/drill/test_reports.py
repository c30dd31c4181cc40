"""A run of drills is told to build servers and pull requests without a green word too many."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from tests.dr.drill.drills import HOSTILE, entry, journal, missed, run, slower, unclear

from opsctl.dr.drill.journal import Journal
from opsctl.dr.drill.junit import to_junit
from opsctl.dr.drill.markdown import to_markdown

EMPTY = Journal(run_id="r", entries=())


def test_junit_looks_as_it_did(snapshot):
    """A suite a scenario, a case a run, with the figures of each."""
    assert to_junit(journal()) == snapshot


def test_a_miss_is_a_failure_and_what_says_nothing_an_error():
    """The counts of suites are those of their cases."""
    root = ET.fromstring(to_junit(journal()))  # noqa: S314 - it was written a line ago

    counts = {
        suite.get("name", "").split()[-1]: tuple(suite.get(name) for name in ("tests", "failures", "errors"))
        for suite in root
    }
    assert counts == {
        "both_lost": ("2", "0", "0"),
        "database_lost": ("1", "1", "0"),
        "region_lost": ("1", "1", "0"),
        "alias_lost": ("1", "0", "1"),
    }
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "2", "1")


def test_what_no_xml_may_hold_makes_no_broken_document():
    """A title with a zero byte is still a title."""
    odd = replace(missed(), run=replace(missed().run, title="a\x00b", scenario="x\x01"))

    root = ET.fromstring(to_junit(journal(odd)))  # noqa: S314 - it was written a line ago

    assert "a\ufffdb" in (root.findtext("testsuite/testcase/system-out") or "")


def test_markdown_looks_as_it_did(snapshot):
    """One table, then the reasons of those that did not pass."""
    assert to_markdown(journal()) == snapshot


def test_markdown_escapes_what_came_from_outside():
    """No tag, no mention, no broken table."""
    text = to_markdown(journal(replace(missed(), run=replace(missed().run, scenario=HOSTILE))))

    assert "<script>" not in text
    assert "@team" not in text
    rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1


def test_the_head_of_markdown_is_green_only_where_everything_passed():
    """Nothing at all is no pass."""
    silent = replace(unclear(), run=replace(unclear().run, scenario="both_lost"))

    assert to_markdown(journal(entry(), slower())).startswith("### ✅ Losses drilled: 1 of 1")
    assert to_markdown(journal(entry(), silent)).startswith("### ❔ Losses drilled: 0 of 1")
    assert to_markdown(journal(missed(), silent)).startswith("### ❌ Losses drilled: 0 of 2")
    assert to_markdown(EMPTY).startswith("### ❔ Losses drilled: 0 of 0")


def test_several_runs_are_one_row_with_median_and_worst():
    """76 s and 99.2 s, of which the first is not the figure."""
    row = next(line for line in to_markdown(journal(entry(), slower())).splitlines() if "both" in line)

    assert "| 2 of 2 | 200 ms / 400 ms | 5 / 0 / 0 / 0 | 1 min 27 s / 1 min 39 s |" in row


def test_a_drill_that_lost_nothing_says_so_in_seconds():
    """Zero is a measured figure, not a missing one."""
    assert "| 0 s | 0 / 0 / 0 / 0 |" in to_markdown(journal(entry(run())))
