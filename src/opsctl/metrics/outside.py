"""Which metrics of other programs may our books use: those of Prometheus, Alertmanager and the vector node.

Names and types were read off Prometheus 2.42 and Alertmanager 0.25; a test compares them with the programs.
"""

from opsctl.metrics.model import Merging, Metric, MetricType

_NODE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _gauge(name: str, unit: str, help: str, *labels: str) -> Metric:  # noqa: A002 - Prometheus' word
    return Metric(
        name=name,
        type=MetricType.GAUGE,
        unit=unit,
        help=help,
        labels=dict.fromkeys(labels, ()),
        merging=Merging.NEWEST,
    )


def _counter(name: str, unit: str, help: str, *labels: str) -> Metric:  # noqa: A002
    return Metric(name=name, type=MetricType.COUNTER, unit=unit, help=help, labels=dict.fromkeys(labels, ()))


MADE_BY_PROMETHEUS: tuple[Metric, ...] = (
    _gauge("up", "state", "1 where a target answered its last scrape, else 0."),
    _gauge("scrape_duration_seconds", "seconds", "How long the last scrape of a target took."),
    _gauge("scrape_samples_scraped", "samples", "Samples of the last scrape of a target."),
    Metric(
        name="ALERTS",
        type=MetricType.GAUGE,
        unit="state",
        help="1 while an alert is pending or firing.",
        labels={
            "alertname": (),
            "alertstate": ("pending", "firing"),
            "severity": ("critical", "warning", "info", "none"),
            "service": (),
            "team": (),
        },
        merging=Merging.NEWEST,
    ),
    _gauge(
        "ALERTS_FOR_STATE",
        "seconds",
        "Since when an alert's condition holds.",
        "alertname",
        "severity",
        "service",
    ),
)
PROMETHEUS: tuple[Metric, ...] = (
    _counter("prometheus_rule_evaluation_failures_total", "evaluations", "Rules that failed.", "rule_group"),
    _gauge("prometheus_config_last_reload_successful", "state", "1 where the last reload worked."),
    _gauge("prometheus_notifications_alertmanagers_discovered", "alertmanagers", "Alertmanagers to send to."),
    _gauge("prometheus_notifications_queue_length", "alerts", "Alerts that wait to be sent."),
    _gauge("prometheus_tsdb_head_series", "series", "Series in memory."),
    _gauge(
        "prometheus_rule_group_last_duration_seconds", "seconds", "Last evaluation of a group.", "rule_group"
    ),
)
ALERTMANAGER: tuple[Metric, ...] = (
    _counter("alertmanager_notifications_total", "messages", "Messages by kind of receiver.", "integration"),
    _counter("alertmanager_notifications_failed_total", "messages", "Messages that failed.", "integration"),
    _gauge("alertmanager_config_last_reload_successful", "state", "1 where the last reload worked."),
    _gauge("alertmanager_alerts", "alerts", "Alerts by state.", "state"),
)
VECTOR_NODE: tuple[Metric, ...] = (
    _gauge("collections_total", "collections", "Collections with a running engine."),
    _gauge("collection_points", "points", "Points of a collection.", "id"),
    _gauge("collection_indexed_vectors", "vectors", "Vectors in an HNSW index.", "id"),
    _gauge("collection_segments", "segments", "Segments of a collection.", "id"),
    _gauge("collection_running_optimizations", "state", "1 while an optimisation runs or is due.", "id"),
    _counter(
        "rest_responses_total", "answers", "Answers by endpoint and status.", "method", "endpoint", "status"
    ),
    Metric(
        name="rest_responses_duration_seconds",
        type=MetricType.HISTOGRAM,
        unit="seconds",
        help="Time from the head of a request to its answer.",
        labels={"method": (), "endpoint": ()},
        buckets=_NODE_SECONDS,
    ),
)

ALL: tuple[Metric, ...] = (*MADE_BY_PROMETHEUS, *PROMETHEUS, *ALERTMANAGER, *VECTOR_NODE)
