"""Alert books for tests: one of every kind of signal, and books with one thing wrong."""

from pathlib import Path
from typing import Any

import yaml

from opsctl.alerts.book import AlertBook
from opsctl.alerts.compile import compile_rules
from opsctl.alerts.delivery import DeliveryBook
from opsctl.alerts.load import AlertBooks, LoadedBook, SourceText, load_alert_books
from opsctl.alerts.rules import RuleSet
from opsctl.alerts.target import Target
from opsctl.config.load import parse_book
from opsctl.config.marks import read_marked
from opsctl.dashboards.ids import panel_id

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "alerts"

DELIVERY = """
receivers:
  pager: {kind: pagerduty, routing_key_file: key}
  chat: {kind: slack, api_url_file: url, channel: "#x"}
  post: {kind: email, to: [a@example.com], from: b@example.com, smarthost: "mail.example.com:25"}
  switch: {kind: webhook, url: "http://127.0.0.1:9/"}
catch_all: chat
by_severity: {critical: [pager, chat], warning: [chat], info: [], none: []}
watchdog: switch
"""
TEXTS = "summary: Something is wrong.\n    description: It is.\n    impact: Readers notice it.\n    undrilled: A test."
EVERY_KIND = f"""
service: ranking
team: feed
rules:
  ratio:
    kind: Alert
    {TEXTS}
    severity: critical
    signal: {{kind: ratio, of: 'ranking_requests_total{{status="5xx"}}', to: ranking_requests_total, window: 5m, by: [route], min_events: 10}}
    above: 0.01
    for: 1m
    detect_within: 90s
  quantile:
    kind: Alert
    {TEXTS}
    severity: warning
    signal: {{kind: quantile, of: ranking_feed_generation_duration_seconds, quantile: 0.99, window: 1m, min_events: 5}}
    above: 1
    for: 15s
    detect_within: 90s
  mean:
    kind: Alert
    {TEXTS}
    severity: warning
    signal: {{kind: mean, of: ranking_feed_quality_ratio, window: 2m}}
    below: 0.7
    for: 30s
    detect_within: 4m
  rate:
    kind: Alert
    {TEXTS}
    severity: warning
    signal: {{kind: rate, of: ranking_vector_errors_total, window: 1m, by: [path]}}
    above: 0.1
    for: 15s
    detect_within: 90s
  level:
    kind: Alert
    {TEXTS}
    severity: warning
    signal: {{kind: level, of: ranking_outbox_lag, combine: max, over: 10m}}
    above: 500
    for: 30s
    detect_within: 90s
  share:
    kind: Alert
    {TEXTS}
    severity: warning
    signal: {{kind: share, of: 'ranking_pool_connections{{state="busy"}}', to: ranking_pool_connections}}
    above: 0.9
    for: 30s
    detect_within: 90s
  age:
    kind: Alert
    {TEXTS}
    severity: info
    signal: {{kind: age, of: business_newest_content_timestamp_seconds}}
    above: 600
    for: 30s
    detect_within: 20m
  absence:
    kind: Alert
    {TEXTS}
    severity: warning
    signal: {{kind: absence, of: 'up{{job="service"}}'}}
    for: 30s
    detect_within: 90s
  Watchdog:
    kind: Alert
    {TEXTS}
    severity: none
    signal: {{kind: always}}
    for: 0s
    at_once: It is a sign of life.
    detect_within: 2m
  query:
    kind: Alert
    {TEXTS}
    severity: warning
    signal:
      kind: query
      expr: max(ranking_outbox_lag) - min(ranking_outbox_lag)
      firing: [{{series: 'ranking_outbox_lag{{instance="a"}}', values: 0+0x40}}, {{series: 'ranking_outbox_lag{{instance="b"}}', values: 101+0x40}}]
      quiet: [{{series: 'ranking_outbox_lag{{instance="a"}}', values: 0+0x40}}, {{series: 'ranking_outbox_lag{{instance="b"}}', values: 100+0x40}}]
    above: 100
    for: 30s
    detect_within: 90s
  availability:
    kind: SLO
    {TEXTS}
    objective: 99.9
    indicator: {{kind: errors, of: 'ranking_requests_total{{status="5xx",route="feed"}}', to: 'ranking_requests_total{{route="feed"}}'}}
    min_events: 10
    detect_within: 90s
  quick:
    kind: SLO
    {TEXTS}
    objective: 99
    indicator: {{kind: latency, of: 'ranking_request_duration_seconds{{route="feed"}}', within_seconds: 0.5}}
    inhibited_by: [ratio]
    detect_within: 90m
"""


def books_of(*texts: str, delivery: str = DELIVERY) -> AlertBooks:
    """Return books from their texts, named book0, book1, ..."""
    loaded = []
    for number, text in enumerate(texts):
        file = f"alerts/book{number}.yaml"
        source = SourceText(file=file, text=text, marks=read_marked(text, file=file))
        loaded.append(
            LoadedBook(name=f"book{number}", source=source, book=parse_book(text, AlertBook, file=file))
        )
    file = "alerts/delivery.yaml"
    return AlertBooks(
        books=tuple(loaded),
        delivery=parse_book(delivery, DeliveryBook, file=file),
        delivery_source=SourceText(file=file, text=delivery, marks=read_marked(delivery, file=file)),
    )


def compiled(books: AlertBooks, target: Target | None = None) -> RuleSet:
    """Return the rules of books."""
    return compile_rules(books, target=target or Target(), panel_ids=panel_id)


def every_kind() -> AlertBooks:
    """Return a book with a rule of every kind."""
    return books_of(EVERY_KIND)


def shipped() -> AlertBooks:
    """Return the books that ship."""
    return load_alert_books(SHIPPED)


def changed(rule: str, **values: Any) -> AlertBooks:
    """Return the book of every kind with values of one rule changed; None takes a key away."""
    document = yaml.safe_load(EVERY_KIND)
    for key, value in values.items():
        if value is None:
            document["rules"][rule].pop(key, None)
        else:
            document["rules"][rule][key] = value
    return books_of(yaml.safe_dump(document, sort_keys=False))
