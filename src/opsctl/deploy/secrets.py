"""Which secrets does a deployment need, who makes each, and where does who read it: names only, never a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from opsctl.deploy import layout
from opsctl.deploy.book import DeployBook, Pooler
from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.project import is_in_bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret by its name.

    Args:
        file: below the project folder.
        target: where Alertmanager looks for it; "" for the others, which are below `/run/secrets`.
        is_random: whether only these containers share it, so that random bytes will do.
        is_derived: whether it only repeats others in another program's words.
        used_by: who reads it.
    """

    name: str
    file: str
    used_by: str
    target: str = ""
    is_random: bool = False
    is_derived: bool = False


def secrets_of(book: DeployBook, facts: ProjectFacts) -> tuple[Secret, ...]:
    """Return every secret, in the order in which they are made."""
    is_own_database = book.database.host is None
    found = [
        _secret("database_password", "service, exporter, migrations, backups", is_random=is_own_database),
        _secret("qdrant_api_key", "service, exporter, backups", is_random=True),
        _secret("qdrant_read_key", "Prometheus", is_random=True),
        _secret("cache_password", "service", is_random=True),
        _secret("grafana_admin_password", "Grafana", is_random=True),
        _secret("qdrant_config", "Qdrant", is_derived=True),
        _secret("cache_config", "Valkey", is_derived=True),
    ]
    if book.pooler is Pooler.PGBOUNCER:
        found.append(_secret("pgbouncer_userlist", "PgBouncer", is_derived=True))
    if not facts.metrics_open:
        found.append(_secret("metrics_key", "Prometheus: an API key, from `opsctl security keys create`"))
    if is_in_bucket(facts):
        found += [_secret(name, "archiver, backups") for name in layout.S3_SECRETS]
    return (*found, *_of_alerts(facts.watching.alert_secrets))


def backup_environment(facts: ProjectFacts) -> Mapping[str, str]:
    """Return the variables that say where the keys of the bucket are."""
    if not is_in_bucket(facts):
        return {}
    return {f"OPSCTL_{name.upper()}_FILE": f"{layout.SECRETS}/{name}" for name in layout.S3_SECRETS}


def _of_alerts(files: Sequence[str]) -> tuple[Secret, ...]:
    """Return those that receivers of alerts need; Alertmanager looks for them beside its configuration."""
    return tuple(
        Secret(
            name=PurePosixPath(file).name,
            file=file,
            used_by="Alertmanager",
            target=str(PurePosixPath("/etc/alertmanager") / file),
        )
        for file in sorted(files)
    )


def _secret(name: str, used_by: str, *, is_random: bool = False, is_derived: bool = False) -> Secret:
    return Secret(
        name=name, file=f"secrets/{name}", used_by=used_by, is_random=is_random, is_derived=is_derived
    )
