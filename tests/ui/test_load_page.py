"""The page of load runs: nothing runs or is fetched, nothing from outside is markup, every figure is in a table."""

import re

import pytest
from tests.bench.load.reports import HOSTILE, a_gate, empty, holding, invalid, summarised

from opsctl.ui.load_charts import charts_over_time, tier_chart
from opsctl.ui.load_curves import percentile_chart, quantile_curve
from opsctl.ui.load_page import render_load_page


def test_the_page_forbids_scripts_and_outside_resources():
    """Whatever slips into a name, the browser runs and fetches nothing."""
    page = render_load_page({"id": holding()})

    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert "<script" not in page
    assert re.search(r"(src|href)=\"(?!#)", page) is None


def test_hostile_names_are_escaped_everywhere():
    """In titles, gates, tiers, stages, endpoints, reasons and run ids."""
    report = holding(
        load=HOSTILE,
        title=HOSTILE,
        target=HOSTILE,
        aborted=HOSTILE,
        reasons={HOSTILE: 1},
        outcomes={HOSTILE: 1},
        endpoints={HOSTILE: holding().response},
        tier_counts={HOSTILE: 5},
        tiers={HOSTILE: holding().response},
        stages={HOSTILE: {HOSTILE: 0.1}},
        simulated=(HOSTILE,),
        fingerprint={HOSTILE: HOSTILE},
        gates=(a_gate(f"p99 < {HOSTILE}", value=0.1, limit=0.5),),
    )

    page = render_load_page({HOSTILE: report, "second": report})

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_what_was_simulated_is_said_above_the_figures():
    """Nobody takes a stand-in's times for real ones."""
    page = render_load_page({"id": holding()})

    assert page.index("Simulated: scoring model") < page.index('class="tiles"')


def test_an_invalid_run_judges_no_gate():
    """Its reasons stand where the verdict does."""
    page = render_load_page({"id": invalid()})

    assert "INVALID" in page
    assert page.index("BEN031") < page.index("<caption>Gates")
    assert "✔ pass" not in page


def test_an_empty_run_is_a_whole_page():
    """Interrupted before the first request."""
    page = render_load_page({"id": empty()})

    assert "nothing was sent" in page
    assert "<svg" not in page


def test_runs_of_different_machines_are_not_compared_silently():
    """The page names what differs."""
    other = holding(fingerprint={**holding().fingerprint, "machine.cpu": "slide_rule"})

    page = render_load_page({"a": holding(), "b": other})

    assert "different conditions: machine.cpu." in page
    assert "different conditions" not in render_load_page({"a": holding(), "b": holding(seed=2)})


def test_seconds_without_a_percentile_are_gaps():
    """A straight line over them would claim figures that nobody measured."""
    report = holding(rate=10, seconds=4)

    chart = charts_over_time(report)[0]

    assert {stroke.path for stroke in chart.strokes if stroke.ink == "a"} == {""}
    assert {label.tick.label for label in chart.labels} == {"limit", "p50"}


def test_a_curve_ends_where_the_sample_does():
    """Ten answers have no p99."""
    assert quantile_curve(holding(rate=10, seconds=1).histograms["response"]) == []
    last, _ = quantile_curve(holding(rate=100, seconds=10).histograms["response"])[-1]
    assert last == pytest.approx(1 - 3.69 / 1000)
    assert percentile_chart(empty()) is None
    assert tier_chart(empty()) is None


def test_a_long_run_makes_no_endless_page():
    """As many stretches to point at as a screen can tell apart."""
    report = holding(rate=2, seconds=1200)

    assert max(len(chart.columns) for chart in charts_over_time(report)) <= 300
    assert len(render_load_page({"id": report})) < 1_000_000


@pytest.mark.parametrize("gates", [("p99 < 500ms",), ("p99 < 15ms",), ()])
def test_what_the_real_summary_makes_can_be_drawn(gates):
    """Whether it holds, misses, or demands nothing."""
    page = render_load_page({"id": summarised(gates=gates)})

    assert page.count("<svg") == 4
