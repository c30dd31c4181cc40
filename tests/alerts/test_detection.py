"""The arithmetic of detection agrees with what Prometheus does."""

import math
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerts.books import changed, compiled, every_kind

from opsctl.alerts import slo
from opsctl.alerts.book import Objective
from opsctl.alerts.detection import Intervals, burn_seconds, filled
from opsctl.alerts.yaml_text import yaml_text
from opsctl.clients.watch_tools import promtool

SHARES = st.floats(min_value=0.001, max_value=1)


def objective(percent: float) -> Objective:
    """Return an availability objective."""
    rule = changed("availability", objective=percent).rule("availability")
    assert isinstance(rule, Objective)
    return rule


@pytest.mark.parametrize(
    ("percent", "share", "seconds"),
    [
        (99.9, 1.0, 52),
        (99.9, 0.2, 259),
        (99.5, 1.0, 259),
        (99.0, 1.0, 518),
        (99.0, 0.2, 2592),
        (95.0, 1.0, 2592),
    ],
)
def test_the_table_of_the_sre_workbook(percent, share, seconds):
    """14.4 times too fast over an hour: known numbers."""
    rule = objective(percent)

    assert burn_seconds(rule, rule.tiers["fast"], share=share) == pytest.approx(seconds, abs=1)


@pytest.mark.parametrize(
    ("percent", "feasible"), [(93.0, False), (93.05, False), (93.06, True), (99.9, True)]
)
def test_below_93_percent_the_fast_tier_can_never_fire(percent, feasible):
    """Not even while everything fails."""
    rule = objective(percent)

    assert slo.is_feasible(rule, rule.tiers["fast"]) is feasible
    assert math.isinf(burn_seconds(rule, rule.tiers["fast"], share=1.0)) is not feasible


@given(threshold=SHARES, share=SHARES, window=st.floats(min_value=10, max_value=1e6))
def test_more_bad_events_are_noticed_sooner(threshold, share, window):
    """And never after the whole window."""
    seconds = filled(threshold=threshold, share=share, window_seconds=window)
    more = filled(threshold=threshold, share=min(1.0, share * 1.5), window_seconds=window)

    assert more <= seconds
    assert math.isinf(seconds) or 0 <= seconds <= window


@given(
    threshold=SHARES,
    share=SHARES,
    window=st.floats(min_value=10, max_value=1e5),
    history=st.floats(min_value=0, max_value=1e6),
)
def test_a_short_history_is_never_slower(threshold, share, window, history):
    """A window that is not full yet is moved by fewer events."""
    short = filled(threshold=threshold, share=share, window_seconds=window, history_seconds=history)

    assert short <= filled(threshold=threshold, share=share, window_seconds=window) or math.isinf(short)


def test_waiting_is_rounded_up_to_evaluations():
    """`for: 12s` with evaluations each 5 s is 15 s."""
    intervals = Intervals(scrape=5, evaluate=5, group_wait=5)

    assert intervals.added(12) == intervals.added(15) == 30
    assert intervals.added(0) == 15


def test_what_no_drill_says_is_not_predicted():
    """Nobody knows how bad it gets."""
    assert {alert.predicted_seconds for alert in compiled(every_kind()).alerts} == {None}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(("percent", "share"), [(99.9, 1.0), (99.9, 0.5), (99.5, 1.0), (99.0, 1.0)])
def test_promtool_fires_when_predicted(tmp_path, percent, share):
    """Within two steps of 15 s, after an hour of good traffic."""
    rule = objective(percent)
    threshold = slo.burn_threshold(rule, rule.tiers["fast"])
    expr = f"sum(rate(bad[1h])) / (sum(rate(all[1h])) > 0) > {threshold}"
    (tmp_path / "rules.yml").write_text(
        yaml_text({"groups": [{"name": "g", "rules": [{"alert": "burn", "expr": expr}]}]}, head="a test")
    )
    history, bad = 241, round(1000 * share)
    steps = 200
    tests = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": "all", "values": f"0+1000x{history + steps}"},
                    {"series": "bad", "values": f"0+0x{history} {bad}+{bad}x{steps}"},
                ],
                "promql_expr_test": [
                    {
                        "expr": 'min_over_time(timestamp(ALERTS{alertname="burn"})[3h:15s])',
                        "eval_time": "110m",
                        "exp_samples": [],
                    }
                ],
            }
        ],
    }
    (tmp_path / "tests.yml").write_text(yaml_text(tests, head="a test"))

    answer = promtool("test", "rules", "tests.yml", folder=tmp_path)

    fired = re.search(r"got: \{.*\} (?P<at>[\d.E+]+)", answer.text)
    assert fired is not None, answer.text
    predicted = burn_seconds(rule, rule.tiers["fast"], share=share)
    assert float(fired["at"]) - history * 15 == pytest.approx(predicted, abs=30)
