"""What of the project goes into a deployment beside its book: versions, books, rules, dashboards, times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Part(StrEnum):
    """What can be rendered, each into a folder of its own."""

    IMAGE = "image"
    COMPOSE = "compose"
    KUBERNETES = "kubernetes"
    QDRANT = "qdrant"
    WORKER = "worker"
    CI = "ci"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCaching:
    """How feeds are kept at an edge: times in seconds, sizes as the service has them.

    A key that was good is not asked about again for `proven_seconds`, and stays good for `trusted_seconds` while nobody answers.
    """

    fresh_seconds: float
    stale_seconds: float
    error_seconds: float
    stand_in_seconds: float
    jitter: float
    default_items: int
    most_items: int
    key_version: int
    proven_seconds: float
    trusted_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What the watchers read; empty where nothing watches.

    Args:
        scrape_every: such as `5s`.
        evaluate_every: such as `5s`.
        rules: rendered rule files by name.
        alertmanager: its rendered configuration.
        alert_secrets: files that it reads, as it names them.
        dashboards: rendered files by path.
    """

    scrape_every: str = "5s"
    evaluate_every: str = "5s"
    rules: Mapping[str, str] = field(default_factory=dict)
    alertmanager: str = ""
    alert_secrets: tuple[str, ...] = ()
    dashboards: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """What a deployment takes from the project.

    Args:
        version: of opsctl.
        extras: of opsctl that the image has.
        constraints: the text of `constraints.txt`.
        books: the text of each book that the containers read, by its path below the project, as it is in the project.
        cache: the book of the caches as plain values.
        backup: the same of the backups.
        embedding: the settings of the embedder as plain values.
        request_seconds: the longest that one answer takes.
        drain_seconds: how long the service lets requests end after it was told to.
        workers: processes of one replica.
        metrics_open: whether `/metrics` answers without a key.
        watching: what Prometheus, Alertmanager and Grafana read.
        feeds: how they are kept.
    """

    version: str
    extras: tuple[str, ...]
    constraints: str
    books: Mapping[str, str]
    cache: Mapping[str, object]
    backup: Mapping[str, object]
    embedding: Mapping[str, object]
    request_seconds: float
    drain_seconds: float
    workers: int
    metrics_open: bool
    watching: Watching
    feeds: FeedCaching
