"""The summary for a pull request: the verdict first, changes without claims, and nothing from outside as markup."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.load.reports import HOSTILE, a_gate, empty, holding, invalid, missing, summarised

from opsctl.bench.load.markdown import to_markdown
from opsctl.core.outside_text import in_markdown
from opsctl.evidence.model import Verdict


@pytest.mark.parametrize(
    "report", [holding(), missing(), invalid(), empty()], ids=["holding", "missing", "invalid", "empty"]
)
def test_the_summary_stays_as_it_is(report, snapshot):
    """Read by people in every pull request."""
    assert to_markdown(report, run_id="20261122T120000-standard") == snapshot


def test_a_baseline_stands_beside_the_run(snapshot):
    """With the change of each figure."""
    text = to_markdown(holding(slower=1.3), run_id="new", baseline=holding(), baseline_id="old")

    assert text == snapshot


def test_a_baseline_of_another_machine_is_named():
    """Such a change cannot be put down to the code."""
    other = holding(fingerprint={"machine.cpu": "slide_rule"})

    text = to_markdown(holding(), run_id="new", baseline=other, baseline_id="old")

    assert "**Not comparable**: other engine.version, machine.cores, machine.cpu" in text


def test_what_the_real_summary_makes_can_be_written():
    """Gates, tiers and percentiles as the summary gives them."""
    assert to_markdown(summarised(), run_id="x").startswith("### ✅ Load `standard`: holds")


def test_hostile_names_stay_text():
    """No element, no link, no mention, no broken table."""
    gate = a_gate(f"p99 < {HOSTILE}", value=0.4, limit=0.1, verdict=Verdict.FAIL)
    text = to_markdown(missing(load=HOSTILE, aborted=f"{HOSTILE} @team #12", gates=(gate,)), run_id=HOSTILE)

    outside_code = re.sub(r"`[^`\n]*`", "", text.replace("\\`", ""))
    assert "<script" not in outside_code
    assert "](" not in re.sub(r"\\.", "", outside_code)
    assert "@" not in outside_code
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows if line.startswith("| `p99")} == {5}


@given(text=st.text(max_size=80))
def test_no_text_opens_a_tag_or_a_second_line(text):
    """Whatever a name holds."""
    shown = in_markdown(text)

    assert "<" not in shown
    assert "\n" not in shown
    assert re.search(r"(?<!\\)(?:\\\\)*[`|*]", shown) is None
