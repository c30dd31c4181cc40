"""What people see: a plot that needs no colour, a page that escapes everything, figures of three digits."""

from dataclasses import replace

import pytest
from tests.bench.test_registry_and_compare import TARGET, a_run

from opsctl.ui.figures import significant
from opsctl.ui.latency_page import build_chart, render_latency_page
from opsctl.ui.plot_terminal import plot_quantiles
from opsctl.vectors.filters import FilterSpec


def test_the_plot_tells_the_arms_apart_without_colour():
    """Each arm has its mark, the axis its percentiles, and no line is wider than asked."""
    slow, fast = [(0.0, 0.01), (0.5, 0.01), (0.99, 0.02)], [(0.0, 0.001), (0.5, 0.001), (0.99, 0.002)]

    lines = plot_quantiles({"source": slow, "derived": fast}, width=60, height=10)

    text = "\n".join(lines)
    assert max(map(len, lines)) <= 60
    assert lines[0].count("●") > 0 == lines[0].count("○")
    assert lines[9].count("○") > 0 == lines[9].count("●")
    assert all(mark in text for mark in ("p50", "p99", "20 ms", "● source", "○ derived"))


@pytest.mark.parametrize("curve", [[], [(0.0, 0.001)], [(0.0, 0.0), (0.9, 0.0)]])
def test_a_curve_with_nothing_in_it_is_no_failure(curve):
    """Empty, one point, all zero."""
    assert isinstance(plot_quantiles({"a": curve}), list)


def test_equal_figures_do_not_fill_the_chart_with_noise():
    """The axis of two equal curves spans at least a factor of two."""
    flat = [(0.0, 0.001), (0.9, 0.001)]

    chart = build_chart({"a": flat, "b": flat}, title="t")

    assert [tick.label for tick in chart.y_ticks] == ["1 ms", "2 ms"]
    assert abs(chart.lines[0].label_y - chart.lines[1].label_y) == 16


def test_the_page_escapes_what_came_from_outside():
    """A filter value that is markup stays text."""
    hostile = FilterSpec.model_validate({"region": "</code><script>alert(1)</script>"})
    run = a_run(target=replace(TARGET, name="<b>au</b>", filter=hostile), queries=100)

    page = render_latency_page({"id": run})

    assert "<script" not in page
    assert "<b>au" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0000654, "0.0000654"),
        (0.0999, "0.0999"),
        (9.994, "9.99"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
    ],
)
def test_figures_have_three_digits(value, text):
    """Small and large ones."""
    assert significant(value) == text
