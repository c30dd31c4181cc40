"""The contract of metrics is what a live registry really exposes, and keeps the rules of good names."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from opsctl.metrics import service as metrics
from opsctl.metrics.model import Metric, MetricType
from opsctl.metrics.reference import matching_metrics, render_reference
from opsctl.service.telemetry.meters import Meters

EACH = pytest.mark.parametrize("metric", [pytest.param(metric, id=metric.name) for metric in metrics.ALL])
SUFFIX_OF_UNIT = {"seconds": "_seconds", "bytes": "_bytes", "dollars": "_dollars", "nats": "_nats"}


def touched() -> Meters:
    """Return meters in which every metric has at least one series."""
    meters = Meters()
    for metric in metrics.ALL:
        labels = [values[0] if values else "something" for values in metric.labels.values()]
        match metric.type:
            case MetricType.COUNTER:
                meters.count(metric, *labels)
            case MetricType.GAUGE:
                meters.set(metric, *labels, to=1.0)
            case MetricType.HISTOGRAM:
                meters.observe(metric, *labels, value=0.5)
    return meters


def exposed() -> dict[str, Metric]:
    """Return what stands in the text that Prometheus gets, put into the words of the contract."""
    found = {}
    declared = {metric.name: metric for metric in metrics.ALL}
    for family in text_string_to_metric_families(touched().render().decode()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if name.endswith("_created"):
            continue
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        bounds = {float(sample.labels["le"]) for sample in samples if "le" in sample.labels}
        labels = {label for sample in samples for label in sample.labels} - {"le"}
        found[name] = Metric(
            name=name,
            type=MetricType(family.type),
            unit=declared[name].unit,
            help=family.documentation,
            labels={
                label: declared[name].labels[label] for label in declared[name].labels if label in labels
            },
            buckets=tuple(sorted(bounds - {float("inf")})),
            merging=declared[name].merging,
        )
    return found


def test_a_live_registry_exposes_the_contract_and_nothing_else():
    """Names, types, labels, buckets and help of every metric, read back from the text format."""
    assert exposed() == {metric.name: metric for metric in metrics.ALL}


def test_known_values_of_labels_are_there_from_the_start():
    """A rate sees the first error as a step from 0, not as a series that begins at 1."""
    text = Meters().render().decode()

    assert 'ranking_model_calls_total{outcome="invalid"} 0.0' in text
    assert 'ranking_requests_total{route="feed",status="5xx"} 0.0' in text


@EACH
def test_a_name_says_what_is_counted_in_which_unit(metric):
    """Prefix, snake case, base unit, `_total` for counters only, `_ratio` for what goes from 0 to 1."""
    assert re.fullmatch(r"ranking(_[a-z0-9]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
    stem = metric.name.removesuffix("_total")
    if metric.unit in SUFFIX_OF_UNIT:
        assert stem.endswith(SUFFIX_OF_UNIT[metric.unit])
    elif metric.unit == "ratio":
        assert stem.endswith(("_ratio", "_variance"))
    assert not re.search(r"_(ms|milliseconds|minutes|hours|kb|mb|percent)(_|$)", metric.name)


@EACH
def test_a_help_is_one_sentence(metric):
    """It stands in the page, in the table and in dashboards."""
    assert metric.help[0].isupper() or metric.help[0].isdecimal()
    assert metric.help.endswith(".")
    assert metric.unit
    assert "\n" not in metric.help


@EACH
def test_type_buckets_and_merging_fit_together(metric):
    """Only histograms have buckets, and only gauges say how workers are merged."""
    assert bool(metric.buckets) == (metric.type is MetricType.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert (metric.merging is not None) == (metric.type is MetricType.GAUGE)


@EACH
def test_no_label_is_an_id(metric):
    """Series must stay few: no user, no item, no request."""
    assert not {
        name for name in metric.labels if name.endswith("id") or name in {"user", "item", "key", "path_raw"}
    }
    assert all(len(set(values)) == len(values) for values in metric.labels.values())


def test_every_declaration_is_in_the_list_once():
    """`ALL` is what docs, registry and panels read."""
    names = [metric.name for metric in metrics.ALL]

    assert len(set(names)) == len(names) > 40


def test_the_page_of_metrics_is_that_of_the_declarations():
    """`make docs` was run after the last change of a declaration."""
    page = Path(__file__).parents[2] / "docs" / "metrics.md"

    assert page.read_text(encoding="utf-8") == render_reference()


def test_metrics_are_found_by_name_and_by_help():
    """In upper or lower case; all without a text."""
    assert {metric.name for metric in matching_metrics("LOG_LINES_D")} == {"ranking_log_lines_dropped_total"}
    assert {metric.name for metric in matching_metrics("price of")} == {"ranking_model_cost_dollars_total"}
    assert matching_metrics(None) == metrics.ALL
    assert matching_metrics("no such thing") == ()
