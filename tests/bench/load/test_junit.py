"""JUnit: what a build server would paint green is a gate that was met, and nothing else."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.load.reports import HOSTILE, a_gate, a_report, empty, holding, invalid, missing, summarised

from opsctl.bench.load.junit import to_junit
from opsctl.evidence.model import Verdict


def _read(text):
    """Read the document back."""
    return ET.fromstring(text)  # noqa: S314 - written a moment ago


def _cases(text):
    """Return what became of each test case by its name."""
    suite = _read(text).find("testsuite")
    return {
        case.get("name"): next((part.tag for part in case), "passed") for case in suite.findall("testcase")
    }


@pytest.mark.parametrize(
    "report", [holding(), missing(), invalid(), empty()], ids=["holding", "missing", "invalid", "empty"]
)
def test_the_file_stays_as_it_is(report, snapshot):
    """Other programs read it."""
    assert to_junit(report, run_id="20261122T120000-standard") == snapshot


def test_an_invalid_run_neither_passes_nor_fails_a_gate():
    """Its gates are skipped, and the run itself is an error."""
    cases = _cases(to_junit(invalid(), run_id="x"))

    assert cases.pop("the run is valid") == "error"
    assert set(cases.values()) == {"skipped"}


def test_a_gate_that_cannot_be_decided_is_no_pass():
    """A build server knows no third colour, so it is an error."""
    cases = _cases(to_junit(missing(), run_id="x"))

    assert cases["p99 < 100ms"] == "failure"
    assert cases["hit_ratio > 75%"] == "error"
    assert cases["error_rate < 0.1%"] == "passed"


def test_the_sums_are_those_of_the_cases():
    """Build servers show the sums without counting."""
    suite = _read(to_junit(missing(), run_id="x"))

    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "1", "0"]


def test_what_the_real_summary_makes_can_be_written():
    """The builder of these tests and the summary agree on the report's shape."""
    assert set(_cases(to_junit(summarised(), run_id="x")).values()) == {"passed"}


@given(text=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_a_document_that_can_be_read(text):
    """Control characters have no place in XML, quotes and brackets have."""
    gate = a_gate(f"p99 < 1ms {text}", value=0.5, limit=0.001, verdict=Verdict.FAIL)
    report = a_report(rate=1, seconds=1, load=text, aborted=text, gates=(gate,), verdict=Verdict.FAIL)

    root = _read(to_junit(report, run_id=text))

    assert root.tag == "testsuites"


def test_markup_in_a_name_stays_text():
    """Nothing from outside becomes an element."""
    root = _read(to_junit(holding(load=HOSTILE), run_id=HOSTILE))

    assert root.find(".//script") is None
    assert root.find("testsuite").get("name").endswith(HOSTILE)
