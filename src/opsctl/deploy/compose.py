"""What does it look like on one machine: compose, and the files that its containers read."""

from collections.abc import Mapping

from opsctl.deploy import layout
from opsctl.deploy.book import DeployBook, Pooler
from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.project import direct_url, project_files, servers
from opsctl.deploy.qdrant import qdrant_config
from opsctl.deploy.secrets import backup_environment, secrets_of
from opsctl.deploy.sizes import for_compose, mebibytes
from opsctl.deploy.templating import quoted, render
from opsctl.deploy.watching import watching_files

_OWN_DATABASE = "postgres"


def grace_seconds(facts: ProjectFacts) -> int:
    """Return how long a replica may take to end: its longest answer, then what its server waits for the workers."""
    return round(facts.request_seconds + facts.drain_seconds + 3)


def render_compose(book: DeployBook, facts: ProjectFacts, *, image: str) -> Mapping[str, str]:
    """Return every file of the folder by its path."""
    values = _values(book, facts, image=image)
    files = {
        "compose.yaml": render("compose/compose.yaml", values),
        "make-secrets.sh": render("compose/make-secrets.sh", values),
        "valkey/valkey.conf": render("compose/valkey.conf", values),
        "qdrant/production.yaml": qdrant_config(book, is_cluster=False),
    }
    if values["has_postgres"]:
        files |= {
            f"postgres/{name}": render(f"compose/{name}", values)
            for name in ("postgresql.conf", "pg_hba.conf")
        }
    if values["has_pgbouncer"]:
        files["pgbouncer/pgbouncer.ini"] = render("compose/pgbouncer.ini", values)
    found = servers(book, own_database=_OWN_DATABASE)
    files |= {f"project/{path}": text for path, text in project_files(book, facts, found).items()}
    targets = {
        "service_targets": 'static_configs:\n  - targets: ["service:8000"]',
        "vectors_targets": 'static_configs:\n  - targets: ["qdrant:6333"]',
    }
    return {**files, **watching_files(facts, targets=targets)}


def _values(book: DeployBook, facts: ProjectFacts, *, image: str) -> dict[str, object]:
    found = servers(book, own_database=_OWN_DATABASE)
    has_postgres, has_pgbouncer = book.database.host is None, book.pooler is Pooler.PGBOUNCER
    secrets = secrets_of(book, facts)
    backup = backup_environment(facts)
    return {
        **layout_values(),
        **book.model_dump(),
        "images": book.images.model_copy(update={"service": image}),
        "sizes": book.sizes,
        "size": for_compose,
        "has_postgres": has_postgres,
        "has_pgbouncer": has_pgbouncer,
        "database_host": found.database.rpartition(":")[0],
        "database_is_outside": found.is_database_outside,
        "pooled_user": book.database.user,
        "pool_size": pool_size(book),
        "userlist": f"{layout.SECRETS}/pgbouncer_userlist",
        "cache_config": f"{layout.SECRETS}/cache_config",
        "postgres_mib": mebibytes(book.sizes.postgres.memory),
        "valkey_mib": mebibytes(book.sizes.valkey.memory),
        "grace_seconds": grace_seconds(facts),
        "published_address": f"[{book.publish.address}]"
        if ":" in book.publish.address
        else book.publish.address,
        "project_mount": f"./project:{layout.ROOT}:ro",
        "direct": _environment(
            {
                "OPSCTL_DATABASE_URL": direct_url(book, found),
                "OPSCTL_DATABASE_THROUGH_POOLER": "false",
                **backup,
            },
            name=book.name,
        ),
        "outward": ", outside" if found.is_database_outside else "",
        "metrics_secret": "" if facts.metrics_open else ", metrics_key",
        "backup_secrets": "".join(f", {name}" for name in layout.S3_SECRETS) if backup else "",
        "alert_secrets": [each for each in secrets if each.target],
        "volumes": _volumes(has_postgres=has_postgres),
        "secrets": [{"name": each.name, "file": f"../../{each.file}"} for each in secrets],
        "random_secrets": [each.name for each in secrets if each.is_random],
        "outside_secrets": [
            each.file.removeprefix("secrets/") for each in secrets if not (each.is_random or each.is_derived)
        ],
    }


def layout_values() -> dict[str, object]:
    """Return where things are inside the containers, for templates."""
    return {
        "root": layout.ROOT,
        "state": layout.STATE,
        "backups": layout.BACKUPS,
        "user": layout.USER,
        "port": layout.PORT,
        "exporter_port": layout.EXPORTER_PORT,
    }


def pool_size(book: DeployBook) -> int:
    """Return the connections that the pooler opens: ten a replica, within half of what PostgreSQL allows by default."""
    return min(50, 10 * book.replicas.service)


def _volumes(*, has_postgres: bool) -> tuple[str, ...]:
    named = (
        "alertmanager",
        "backups",
        "grafana",
        "opsctl_state",
        "postgres",
        "prometheus",
        "qdrant",
        "qdrant_snapshots",
        "service_state",
    )
    return tuple(name for name in named if has_postgres or name != "postgres")


def _environment(values: Mapping[str, str], *, name: str) -> str:
    return quoted({"OPSCTL_ENVIRONMENT": name, **values})
