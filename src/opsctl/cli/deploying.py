"""With what do the verbs of `deploy` work: the book, and what the project puts into a deployment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from opsctl.deploy.book import DeployBook
    from opsctl.deploy.checking import Looked
    from opsctl.deploy.facts import FeedCaching, Part, ProjectFacts, Watching

# What runs in a container: the service, its L2, backups with PostgreSQL's programs, searches of dashboards stay outside.
EXTRAS = ("backup", "experiments", "local", "sentry", "service")
_COPIED = ("collections", "service")


def book() -> "DeployBook":
    """Return the book `ops/deploy.yaml`; its defaults where there is no file.

    Raises:
        UsageError: it is wrong, with file, line and column.
    """
    from opsctl.config.load import is_missing, load_book
    from opsctl.deploy.book import DeployBook

    path = _path()
    return DeployBook() if is_missing(path) else load_book(path, DeployBook)


def rendered(parts: "Sequence[Part]") -> "Mapping[Part, Mapping[str, str]]":
    """Return the files of each part."""
    from opsctl.clients.files import read_text
    from opsctl.config.load import is_missing
    from opsctl.deploy.files import render_parts

    chosen, path = book(), _path()
    source = "" if is_missing(path) else read_text(path)
    has_watchers = bool({"compose", "kubernetes"} & {str(part) for part in parts})
    found = facts(chosen, has_watchers=has_watchers)
    return render_parts(chosen, found, parts=parts, source=source)


def begin() -> "tuple[datetime, float]":
    """Return when this began, by both clocks."""
    from opsctl.cli import wiring

    return wiring.clock().now(), wiring.clock().monotonic()


def record(
    files: "Mapping[Part, Mapping[str, str]]", looked: "Sequence[Looked]", *, began: "tuple[datetime, float]"
) -> None:
    """Write down what was rendered, and what was said of it."""
    from opsctl.cli import wiring
    from opsctl.deploy.evidence import render_evidence

    started_at, since = began
    wiring.record(
        render_evidence(files, looked, started_at=started_at, seconds=wiring.clock().monotonic() - since)
    )


def facts(chosen: "DeployBook", *, has_watchers: bool = True) -> "ProjectFacts":
    """Return what a deployment takes from the project; rules and dashboards only where something watches."""
    from opsctl import __version__, assets
    from opsctl.cli import dr_place, wiring
    from opsctl.clients.files import read_text
    from opsctl.deploy.facts import ProjectFacts, Watching
    from opsctl.service.plan import load_service_book
    from opsctl.service.serve import WORKER_KILL_SECONDS

    settings = wiring.settings()
    service = load_service_book(settings)
    return ProjectFacts(
        version=__version__,
        extras=EXTRAS,
        constraints=read_text(assets.root() / "constraints.txt"),
        books=_books(),
        cache=wiring.cache_book().model_dump(mode="json"),
        backup=dr_place.book().model_dump(mode="json"),
        embedding=settings.project.embedding.model_dump(mode="json", exclude_none=True),
        request_seconds=service.limits.request_seconds,
        drain_seconds=WORKER_KILL_SECONDS,
        workers=service.workers,
        metrics_open=service.metrics_open,
        watching=_watching(chosen) if has_watchers else Watching(),
        feeds=_feeds(),
    )


def _watching(chosen: "DeployBook") -> "Watching":
    """Return what Prometheus, Alertmanager and Grafana read."""
    from opsctl.alerts.files import render_files
    from opsctl.cli import watching
    from opsctl.deploy.facts import Watching
    from opsctl.metrics.contract import full_contract

    target = _target(chosen)
    books, rules = watching.load_rules(target)
    alerts = render_files(books, rules, target=target, contract=full_contract())
    prefix = "prometheus/rules/"
    return Watching(
        scrape_every=books.delivery.timing.scrape_every,
        evaluate_every=books.delivery.timing.evaluate_every,
        rules={name.removeprefix(prefix): text for name, text in alerts.items() if name.startswith(prefix)},
        alertmanager=alerts["alertmanager/alertmanager.yml"],
        alert_secrets=_alert_secrets(books.delivery.model_dump(mode="json")),
        dashboards=_dashboards(),
    )


def _path() -> Path:
    from opsctl.cli import wiring

    settings = wiring.settings()
    return settings.root / settings.project.books.deploy


def _books() -> Mapping[str, str]:
    """Return the books that containers read as they are, by where they look for them; one that is not there has its defaults."""
    from opsctl.cli import wiring
    from opsctl.clients.files import read_text
    from opsctl.config.load import is_missing

    settings = wiring.settings()
    places = {name: settings.root / getattr(settings.project.books, name) for name in _COPIED}
    return {f"ops/{name}.yaml": read_text(path) for name, path in places.items() if not is_missing(path)}


def _target(chosen: "DeployBook") -> Any:
    """Return the Prometheus for which rules are rendered: the one that the book runs."""
    from opsctl.alerts.target import PrometheusVersion, Target

    is_third = ":v3" in chosen.images.prometheus
    return Target(version=PrometheusVersion.V3 if is_third else PrometheusVersion.V2)


def _alert_secrets(values: object) -> tuple[str, ...]:
    """Return the files that the book of delivery names for secrets."""
    if isinstance(values, Mapping):
        here = {str(each) for key, each in values.items() if str(key).endswith("_file") and each}
        return tuple(sorted(here.union(*(_alert_secrets(each) for each in values.values()))))
    if isinstance(values, list):
        return tuple(sorted(set[str]().union(*(_alert_secrets(each) for each in values))))
    return ()


def _dashboards() -> Mapping[str, str]:
    from opsctl.cli import dashboarding
    from opsctl.dashboards.files import render_dashboards

    if not dashboarding.has_books():
        return {}
    found = dashboarding.rules()
    files = render_dashboards(
        dashboarding.books(), dashboarding.alert_lines(found), contract=dashboarding.contract(found)
    )
    return {path: text for path, text in files.items() if path != "lock.json"}


def _feeds() -> "FeedCaching":
    from opsctl.cli import wiring
    from opsctl.core.units import parse_duration
    from opsctl.deploy.facts import FeedCaching
    from opsctl.service.cache.keys import FEED, VERSIONS
    from opsctl.service.plan import load_service_book

    edge, service = wiring.cache_book().l1, load_service_book(wiring.settings())
    return FeedCaching(
        fresh_seconds=edge.feed.fresh_seconds,
        stale_seconds=edge.feed.stale_seconds,
        error_seconds=edge.feed.error_seconds,
        stand_in_seconds=parse_duration(edge.stand_in),
        jitter=edge.feed.jitter,
        default_items=service.limits.default_items,
        most_items=service.limits.feed_items,
        key_version=VERSIONS[FEED],
        proven_seconds=service.keys.remembered_seconds,
        trusted_seconds=service.keys.trusted_seconds,
    )
