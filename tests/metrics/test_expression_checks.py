"""PromQL held against the metric contract: what does not exist, or is asked wrongly, is found before Prometheus is."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.metrics.contract import full_contract
from opsctl.metrics.expression_checks import check_bound, check_expression
from opsctl.metrics.promql import PromqlError, read_promql, substitute_macros, variables_of

CONTRACT = full_contract()
GOOD = [
    "sum(rate(ranking_requests_total[5m]))",
    'sum by (route) (rate(ranking_requests_total{status="5xx",route=~"feed|trending"}[5m]))',
    "histogram_quantile(0.99, sum by (le) (rate(ranking_request_duration_seconds_bucket[5m])))",
    "max(ranking_outbox_lag)",
    "max_over_time(ranking_outbox_lag[10m])",
    "time() - max(business_newest_content_timestamp_seconds)",
    'absent(up{job="service"})',
]
BAD = {
    "no such metric": "sum(rate(ranking_request_total[5m]))",
    "no such label": 'sum(rate(ranking_requests_total{rout="feed"}[5m]))',
    "no such value": 'sum(rate(ranking_requests_total{route="feeed"}[5m]))',
    "a rate of a gauge": "rate(ranking_outbox_lag[5m])",
    "a counter as it is": "max(ranking_requests_total) > 5",
    "grouped by a label it lacks": "sum by (rout) (rate(ranking_requests_total[5m]))",
    "a pattern that is none": 'sum(rate(ranking_requests_total{route=~"("}[5m]))',
    "no PromQL": "sum(rate(",
    "nothing": "",
}


@pytest.mark.parametrize("expr", GOOD)
def test_a_sound_expression_has_no_complaints(expr: str):
    """Of each kind of metric."""
    assert list(check_expression(expr, CONTRACT, scrape_seconds=5.0)) == []


@pytest.mark.parametrize("expr", BAD.values(), ids=BAD)
def test_a_mistake_is_named(expr: str):
    """In one sentence at least."""
    assert list(check_expression(expr, CONTRACT, scrape_seconds=5.0))


def test_a_misspelt_metric_leads_to_the_right_one():
    """By its spelling."""
    complaints = list(check_expression(BAD["no such metric"], CONTRACT, scrape_seconds=5.0))

    assert "ranking_requests_total" in str(complaints)


def test_a_window_shorter_than_two_scrapes_has_too_few_samples():
    """A rate needs two."""
    assert list(check_expression("sum(rate(ranking_requests_total[5s]))", CONTRACT, scrape_seconds=5.0))
    assert not list(check_expression("sum(rate(ranking_requests_total[1m]))", CONTRACT, scrape_seconds=5.0))


@pytest.mark.parametrize(("bound", "is_good"), [(1.0, True), (0.77, False)])
def test_a_threshold_of_a_histogram_is_one_of_its_bounds(bound: float, *, is_good: bool):
    """Between two bounds a quantile is a guess."""
    found = check_bound("ranking_feed_generation_duration_seconds", bound, CONTRACT)

    assert (found is None) is is_good


def test_what_grafana_puts_in_is_read_as_well():
    """Macros and variables."""
    expr = 'sum(rate(ranking_requests_total{job=~"$job"}[$__rate_interval]))'

    assert variables_of(expr) >= {"job"}
    assert read_promql(substitute_macros(expr)).uses


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str):
    """Nothing else happens."""
    with suppress(PromqlError):
        assert read_promql(text).uses is not None


def test_the_series_below_an_aggregation_are_those_inside_it():
    """And not those that stand before it."""
    reading = read_promql("rate(a[1m]) / sum by (x) (max(b) + c)")

    assert [(each.operation, each.metrics) for each in reading.groupings] == [
        ("max", ("b",)),
        ("sum", ("b", "c")),
    ]


def test_deep_nesting_is_read_in_no_time():
    """Each level once: read anew for each level above it, sixty levels would take longer than the universe has."""
    reading = read_promql(f"{'sum(' * 60}up{')' * 60}")

    assert len(reading.groupings) == 60


@pytest.mark.parametrize(
    "expr",
    [
        f"{'sum(' * 300}up{')' * 300}",
        " + ".join(["up"] * 900),
        f"{'-' * 900}up",
        " ^ ".join(["2"] * 900),
        "up{" + " " * 10_000 + "}",
    ],
)
def test_what_nobody_could_read_is_refused_before_the_parser_gets_it(expr: str):
    """Its stack ends, and the process with it."""
    with pytest.raises(PromqlError):
        read_promql(expr)


@pytest.mark.parametrize(
    ("number", "is_fraction"), [("NaN", True), ("Inf", False), ("1", False), ("0.5", True)]
)
def test_any_number_may_be_compared_with(number: str, *, is_fraction: bool):
    """Also one that no whole number can be made of."""
    assert read_promql(f"up == {number}").has_float_equality is is_fraction
