"""Which real things does a command work with: the only place that builds clients from settings."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.clock import SystemClock
from opsctl.core.errors import OpsError, UsageError
from opsctl.core.events import Listener, ignore

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from pydantic import BaseModel

    from opsctl.cli.backends import Backends
    from opsctl.config.settings import Settings
    from opsctl.evidence.ledger import Ledger
    from opsctl.evidence.model import Evidence, Record
    from opsctl.project.doctor import Machine
    from opsctl.service.cache.journal import InvalidationJournal
    from opsctl.service.cache.policy import CacheBook
    from opsctl.service.cache.ports import KeyValueStore

_chosen: dict[str, Path] = {}


def choose_project(folder: Path | None) -> None:
    """Remember the project folder given on the command line."""
    if folder is not None:
        _chosen["root"] = folder.resolve()


def change_project(folder: Path) -> None:
    """Go on with another project's settings, such as those that a restore has just brought back."""
    _chosen["root"] = folder.resolve()
    settings.cache_clear()


def clock() -> SystemClock:
    """Return the machine's clock."""
    return SystemClock()


@cache
def settings() -> "Settings":
    """Return the settings of this project, each with its origin."""
    from opsctl.config.settings import find_root, resolve_settings, user_file

    root = _chosen.get("root") or find_root(_here())
    if not root.is_dir():
        raise UsageError(
            f"the project folder `{root}` is not there", code="CFG007", fix=f"opsctl --project {root} init"
        )
    return resolve_settings(root=root, environment=os.environ, user_file=user_file(os.environ), flags={})


def new_project_root() -> Path:
    """Return where `init` writes: the folder given, else the current one."""
    return _chosen.get("root") or _here()


def _here() -> Path:
    """Return the folder that we stand in."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the folder that we stand in was removed", code="CFG007", fix="change to another: cd"
        ) from error


def book_models() -> "dict[str, type[BaseModel]]":
    """Return the model of every kind of book, by the name that `config schema` takes."""
    from opsctl.alerts.book import AlertBook
    from opsctl.alerts.delivery import DeliveryBook
    from opsctl.bench.load.book import LoadBook
    from opsctl.catalog.mapping import MappingBook
    from opsctl.chaos.book import Drill
    from opsctl.checklist.book import ChecklistBook
    from opsctl.config.project import ProjectSettings
    from opsctl.costs.book import CostsBook
    from opsctl.costs.prices import PricesBook
    from opsctl.dashboards.book import DashboardBook
    from opsctl.deploy.book import DeployBook
    from opsctl.dr.book import BackupBook
    from opsctl.dr.drill.book import Recovery
    from opsctl.experiments.book import Experiment
    from opsctl.qdrant_collections.model import CollectionsBook
    from opsctl.security.waiver_book import WaiverBook
    from opsctl.service.book import ServiceBook
    from opsctl.service.cache.policy import CacheBook
    from opsctl.training.book import Exercise

    return {
        "project": ProjectSettings,
        "collections": CollectionsBook,
        "mapping": MappingBook,
        "cache": CacheBook,
        "service": ServiceBook,
        "load": LoadBook,
        "alerts": AlertBook,
        "delivery": DeliveryBook,
        "dashboard": DashboardBook,
        "drill": Drill,
        "backup": BackupBook,
        "deploy": DeployBook,
        "recovery": Recovery,
        "experiment": Experiment,
        "exercise": Exercise,
        "checklist": ChecklistBook,
        "prices": PricesBook,
        "costs": CostsBook,
        "waivers": WaiverBook,
    }


def schema_text(name: str) -> str:
    """Return the JSON Schema of a book, as committed in the package."""
    from opsctl.config.schema import render_schema

    models = book_models()
    if name not in models:
        raise UsageError(f"no book is called `{name}`", code="CFG004", fix=f"one of: {', '.join(models)}")
    return render_schema(models[name], name=name)


def machine() -> "Machine":
    """Return what `doctor` looks at; servers that are not running are not started for it."""
    from opsctl.cli.config_checking import check_books
    from opsctl.core.file_counts import told_by_folder
    from opsctl.project.doctor import Machine

    home = _home_or_default()
    return Machine(
        home=home,
        now=clock().now(),
        last_evidence_at=_last_evidence_at(),
        secret_files=_secret_files(),
        load_settings=lambda: f"{len(settings().rows())} settings, project folder `{settings().root}`",
        load_books=lambda: told_by_folder(check_books().read),
        probe_vectors=_probe_vectors if _can_probe(home, "qdrant") else None,
        probe_database=_probe_database if _can_probe(home, "database") else None,
    )


def _home_or_default() -> Path:
    try:
        return settings().home
    except OpsError:
        return _here() / ".opsctl"


def _last_evidence_at() -> "datetime | None":
    try:
        newest = ledger().records(limit=1)
    except OpsError:
        return None
    return newest[0].recorded_at if newest else None


def _secret_files() -> tuple[Path, ...]:
    try:
        chosen = settings()
    except OpsError:
        return ()
    project = chosen.project
    named = (
        project.qdrant.api_key_file,
        project.database.password_file,
        project.embedding.api_key_file,
        project.supabase.key_file,
    )
    return tuple(chosen.root / file for file in named if file is not None)


def _can_probe(home: Path, part: str) -> bool:
    """Tell whether a server is configured, or the embedded stack is up already."""
    from opsctl.stack.status import stack_status

    try:
        configured = settings().project.qdrant.url if part == "qdrant" else settings().project.database.url
    except OpsError:
        return False
    return configured is not None or stack_status(home).ready


def _probe_vectors() -> str:
    with backends(ignore) as servers:
        place = servers.vectors_place()
        return f"{place.url}, version {servers.vectors().server_version()}"


def _probe_database() -> str:
    from opsctl.clients.postgres import connect
    from opsctl.store.migrate import plan_migrations

    with backends(ignore) as servers:
        address = servers.database_address()
        with connect(address) as connection:
            due = len(plan_migrations(connection))
            version = connection.info.server_version // 10000
    return f"{address.shown}, PostgreSQL {version}, {due} migrations due"


def cache_book() -> "CacheBook":
    """Return the book of the caches; its defaults where there is no file."""
    from opsctl.service.plan import load_cache_book

    return load_cache_book(settings())


def open_cache_store() -> "KeyValueStore | None":
    """Open L2, inside an event loop; None where it is off, or is a file that nobody has made yet."""
    from opsctl.config.settings import with_secret_files
    from opsctl.service.cache.places import has_store, store_folder
    from opsctl.service.cache.stores.open import open_store

    tier, home = cache_book().l2, settings().home
    if not tier.enabled or (tier.backend == "lmdb" and not has_store(home)):
        return None
    return open_store(tier, folder=store_folder(home), secrets=with_secret_files(os.environ))


def invalidation_journal() -> "InvalidationJournal":
    """Return the journal through which the workers of this machine hear what was invalidated."""
    from opsctl.service.cache.journal import InvalidationJournal
    from opsctl.service.cache.places import journal_path

    return InvalidationJournal(journal_path(settings().home))


def service_address() -> str:
    """Return where the ranking service is: `service.url`, else the stack's, else where `opsctl serve` listens."""
    from opsctl.stack.status import stack_status

    service = settings().project.service
    host = f"[{service.host}]" if ":" in service.host else service.host  # an IPv6 address
    return service.url or stack_status(settings().home).service_url or f"http://{host}:{service.port}"


def backends(listener: Listener) -> "AbstractContextManager[Backends]":
    """Return the servers of this project: `with wiring.backends(listener) as servers: servers.vectors()`."""
    from opsctl.cli.backends import backends as open_backends

    return open_backends(settings(), listener=listener)


def record(evidence: "Evidence") -> "Record":
    """Add a proof to the ledger, with the commit of the project and the versions of what did the work."""
    import platform
    from dataclasses import replace

    from opsctl import __version__
    from opsctl.clients.git import read_commit

    tools = {"opsctl": __version__, "python": platform.python_version(), **evidence.tools}
    return ledger().append(replace(evidence, tools=tools, git_commit=read_commit(settings().root)))


def ledger() -> "Ledger":
    """Return the evidence ledger of this project."""
    from opsctl.evidence.ledger import Ledger

    return Ledger(settings().home / "evidence", clock=clock())
