"""What do the containers read as their project: the project's own books, with the addresses of this deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import yaml

from opsctl.deploy import layout
from opsctl.deploy.book import DeployBook, Pooler
from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.templating import HEADER


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where the servers are, seen from a container.

    Args:
        database: `host:port` past the pooler.
        pooled: `host:port` for requests, and the role there.
    """

    database: str
    pooled: str
    pooled_user: str
    is_pooled: bool
    is_database_outside: bool


def servers(book: DeployBook, *, own_database: str) -> Servers:
    """Return where the servers are; `own_database` is the name of the database that nobody else has named."""
    database = book.database
    direct = f"{database.host or own_database}:{database.port}"
    user = database.user
    pooled = direct
    if book.pooler is Pooler.PGBOUNCER:
        pooled = f"pooler:{layout.POOLER_PORT}"
    elif book.pooler is Pooler.SUPAVISOR:
        pooled = f"{database.pooler_host}:{database.pooler_port}"
        user = database.pooler_user or user
    return Servers(
        database=direct,
        pooled=pooled,
        pooled_user=user,
        is_pooled=book.pooler is not Pooler.NONE,
        is_database_outside=database.host is not None,
    )


def direct_url(book: DeployBook, found: Servers) -> str:
    """Return the address of the database past the pooler: for migrations, which want a session, and for the log."""
    return _url(book.database.user, found.database, book.database.name, is_outside=found.is_database_outside)


def pooled_url(book: DeployBook, found: Servers) -> str:
    """Return the address of the database for requests."""
    is_outside = found.is_database_outside and book.pooler is not Pooler.PGBOUNCER
    return _url(found.pooled_user, found.pooled, book.database.name, is_outside=is_outside)


def project_files(book: DeployBook, facts: ProjectFacts, found: Servers) -> Mapping[str, str]:
    """Return the project as the containers see it, by path."""
    settings = {
        "state_dir": layout.STATE,
        "qdrant": {
            "url": f"http://qdrant:{layout.QDRANT_PORT}",
            "api_key_file": f"{layout.SECRETS}/qdrant_api_key",
        },
        "database": {
            "url": pooled_url(book, found),
            "password_file": f"{layout.SECRETS}/database_password",
            "through_pooler": found.is_pooled,
        },
        "embedding": dict(facts.embedding),
        "service": {"host": "0.0.0.0", "port": layout.PORT},  # noqa: S104 - in a network of its own
    }
    return {
        "opsctl.yaml": _yaml("Where everything is, seen from a container.", settings),
        **{path: _copied(text) for path, text in sorted(facts.books.items())},
        "ops/cache.yaml": _yaml(
            "As in the project, but for L2, which all replicas share, and for the edge in front, which may keep feeds.",
            _with_shared_caches(facts.cache),
        ),
        "ops/backup.yaml": _yaml(
            "As in the project, with a place that a container may write to.", _with_volume(facts.backup)
        ),
    }


def is_in_bucket(facts: ProjectFacts) -> bool:
    """Tell whether backups go to a store that speaks S3, which wants keys."""
    return any(str(facts.backup.get(name) or "").startswith("s3://") for name in ("repository", "offsite"))


def _url(user: str, place: str, name: str, *, is_outside: bool) -> str:
    url = f"postgresql://{quote(user, safe='')}@{place}/{quote(name, safe='')}"
    return f"{url}?sslmode=require" if is_outside else url


def _with_shared_caches(cache: Mapping[str, object]) -> Mapping[str, object]:
    """Return the book of the caches for several replicas with an edge in front."""
    first, second = _mapping(cache.get("l1")), _mapping(cache.get("l2"))
    if second.get("backend", "lmdb") == "lmdb":
        second |= {"backend": "redis", "redis_url": f"redis://cache:{layout.CACHE_PORT}/0"}
    return {**cache, "l1": first | {"shared_caches": True}, "l2": second}


def _with_volume(backup: Mapping[str, object]) -> Mapping[str, object]:
    place = str(backup.get("repository", ""))
    return dict(backup) if "://" in place else {**backup, "repository": layout.BACKUPS}


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, Mapping) else {}


def _yaml(what: str, values: Mapping[str, object]) -> str:
    text = yaml.safe_dump(
        dict(values), sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )
    return f"# {HEADER}\n# {what}\n{text}"


def _copied(text: str) -> str:
    """Return a book without the hint for editors, which names a file that is not there."""
    lines = [line for line in text.splitlines() if not line.startswith("# yaml-language-server:")]
    return f"# {HEADER}\n# As in the project.\n" + "\n".join(lines) + "\n"
