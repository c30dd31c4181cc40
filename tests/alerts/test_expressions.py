"""Every signal becomes PromQL that parses, for each target, guarded against quiet traffic."""

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerts.books import changed, compiled, every_kind

from opsctl.alerts.promql_text import duration, number
from opsctl.alerts.target import Histograms, PrometheusVersion, Target
from opsctl.core.units import parse_duration

TARGETS = {
    "classic": Target(),
    "native": Target(version=PrometheusVersion.V3, histograms=Histograms.NATIVE),
}


@pytest.mark.parametrize("target", TARGETS)
def test_the_expressions_of_every_kind_of_signal(target, snapshot):
    """One golden text for each target; a change of any of them is a change of somebody's alerts."""
    rules = compiled(every_kind(), TARGETS[target])

    shown = [f"{rule.name}\n{rule.expr}" for rule in rules.alerts]
    shown += [f"{rule.name} {dict(rule.labels)}\n{rule.expr}" for rule in rules.recordings]
    assert "\n\n".join(shown) == snapshot


@pytest.mark.parametrize("target", TARGETS)
def test_every_expression_parses(target):
    """By a real parser of PromQL."""
    rules = compiled(every_kind(), TARGETS[target])

    for expr in [*(rule.expr for rule in rules.alerts), *(rule.expr for rule in rules.recordings)]:
        promql_parser.parse(expr)


def test_numbers_are_written_as_people_write_them():
    """Sloth writes 0.9990000000000001."""
    text = "\n".join(rule.expr for rule in compiled(every_kind()).alerts)

    assert "0.0144" in text
    assert "00000001" not in text


@given(st.decimals(min_value="0.000001", max_value="1000000", places=6))
def test_a_number_survives_its_text(value):
    """Whatever it is."""
    assert float(number(value)) == float(value)


@given(st.integers(min_value=1, max_value=10**9))
def test_a_duration_survives_its_text(milliseconds):
    """To the millisecond."""
    assert parse_duration(duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


def test_a_share_that_is_too_low_is_none_where_its_part_was_never_counted():
    """A series may begin with its first event; each group of the whole keeps its labels."""
    rules = compiled(changed("ratio", above=None, below=0.5))

    ratio = rules.alert("ratio")
    assert ratio is not None
    part = 'sum by (route) (rate(ranking_requests_total{status="5xx"}[5m]))'
    whole = "sum by (route) (rate(ranking_requests_total[5m]))"
    assert ratio.signal_expr == f"({part} or {whole} * 0) / ({whole} > 0)"
    assert ratio.expr.startswith(f"{ratio.signal_expr} < 0.5\n")
