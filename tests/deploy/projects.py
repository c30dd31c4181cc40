"""A small project to be deployed: facts that no change of the shipped books touches."""

from dataclasses import replace
from typing import Any

from opsctl.deploy.book import DeployBook
from opsctl.deploy.facts import FeedCaching, Part, ProjectFacts, Watching
from opsctl.deploy.files import render_parts

RULES = """groups:
- name: ranking
  rules:
  - alert: high_error_rate
    expr: rate(errors_total[1m]) > 0.1
    labels: {severity: critical}
    annotations: {summary: errors}
"""
ALERTMANAGER = """route:
  receiver: slack
receivers:
- name: slack
  slack_configs:
  - api_url_file: secrets/slack_webhook_url
    channel: "#alerts"
"""
WATCHING = Watching(
    rules={"ranking.yml": RULES},
    alertmanager=ALERTMANAGER,
    alert_secrets=("secrets/slack_webhook_url",),
    dashboards={
        "slo.json": '{"title": "SLO"}\n',
        "provisioning/dashboards.yaml": "apiVersion: 1\nproviders: []\n",
        "provisioning/datasources.yaml": "apiVersion: 1\ndatasources: []\n",
    },
)
FACTS = ProjectFacts(
    version="1.2.3",
    extras=("backup", "service"),
    constraints="pydantic==2.12.0\n",
    books={"ops/collections.yaml": "source: {collection: content}\nderived: {}\n"},
    cache={"l1": {"memory": "64MiB"}, "l2": {"backend": "lmdb"}},
    backup={"repository": ".opsctl/backups", "schedule": {"backup_every": "1d", "verify_every": "7d"}},
    embedding={"kind": "hashing", "dimension": 128},
    request_seconds=2.0,
    drain_seconds=10.0,
    workers=2,
    metrics_open=True,
    watching=WATCHING,
    feeds=FeedCaching(
        fresh_seconds=300.0,
        stale_seconds=60.0,
        error_seconds=3600.0,
        stand_in_seconds=10.0,
        jitter=0.1,
        default_items=20,
        most_items=100,
        key_version=1,
        proven_seconds=10.0,
        trusted_seconds=3600.0,
    ),
)
HOSTED = {
    "pooler": "supavisor",
    "database": {
        "host": "db.abcdefgh.supabase.co",
        "pooler_host": "aws-0-eu-central-1.pooler.supabase.com",
        "pooler_user": "postgres.abcdefgh",
    },
}
"""A book for a project at Supabase."""


def rendered(part: Part, book: dict[str, Any] | None = None, **facts: Any) -> dict[str, str]:
    """Return the files of a part."""
    chosen = DeployBook.model_validate(book or {})
    return dict(render_parts(chosen, replace(FACTS, **facts), parts=(part,), source="")[part])
