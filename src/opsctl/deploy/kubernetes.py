"""What does it look like on a cluster: manifests, with every secret by reference?"""

import hashlib
from collections.abc import Mapping, Sequence

from opsctl.core.units import parse_duration
from opsctl.deploy import layout
from opsctl.deploy.book import DeployBook, Pooler
from opsctl.deploy.compose import grace_seconds, layout_values, pool_size
from opsctl.deploy.facts import ProjectFacts
from opsctl.deploy.project import direct_url, is_in_bucket, project_files, servers
from opsctl.deploy.qdrant import qdrant_config
from opsctl.deploy.secrets import Secret, backup_environment, secrets_of
from opsctl.deploy.sizes import for_kubernetes, mebibytes
from opsctl.deploy.templating import quoted, render
from opsctl.deploy.watching import prometheus_config

_MANIFESTS = (
    "namespace",
    "project",
    "network",
    "stores",
    "qdrant",
    "operations",
    "service",
    "watching",
    "dashboards",
)
_OWN_DATABASE = "postgres"
_PRE_STOP_SECONDS = 10
"""How long a pod still answers after it was told to go: what kube-proxy and ingress controllers take to hear of it, with room."""
_DAY_SECONDS = 86_400
# Ranges that are nobody's on the internet (RFC 1918, RFC 6598, RFC 3927): what is open to the outside is not open to the cluster.
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")

# Which of the secrets lies in which Secret: one for each who reads them, so that nobody sees another's.
_SECRET_OF = {
    "qdrant_config": "qdrant",
    "cache_config": "cache",
    "pgbouncer_userlist": "pooler",
    "qdrant_read_key": "prometheus",
    "metrics_key": "prometheus",
}


def render_kubernetes(book: DeployBook, facts: ProjectFacts, *, image: str) -> Mapping[str, str]:
    """Return every manifest by its file."""
    values = _values(book, facts, image=image)
    names = [name for name in _MANIFESTS if name != "dashboards" or facts.watching.dashboards]
    files = {f"{name}.yaml": render(f"kubernetes/{name}.yaml", values) for name in names}
    return {
        **files,
        "kustomization.yaml": render("kubernetes/kustomization.yaml", {**values, "resources": list(files)}),
        "secrets.example.md": render("kubernetes/secrets.example.md", values),
    }


def cron_line(every_seconds: float, *, minute: int, hour: int) -> str:
    """Return when something is to run that often; cron knows hours, days and weeks, so the next that is not rarer.

    >>> cron_line(86_400, minute=17, hour=3), cron_line(604_800, minute=47, hour=4), cron_line(21_600, minute=17, hour=3)
    ('17 3 * * *', '47 4 * * 0', '17 */6 * * *')
    """
    if every_seconds >= 7 * _DAY_SECONDS:
        return f"{minute} {hour} * * 0"
    if every_seconds >= _DAY_SECONDS:
        return f"{minute} {hour} * * *"
    hours = max(each for each in (1, 2, 3, 4, 6, 8, 12) if each * 3600 <= max(every_seconds, 3600))
    return f"{minute} */{hours} * * *" if hours > 1 else f"{minute} * * * *"


def _values(book: DeployBook, facts: ProjectFacts, *, image: str) -> dict[str, object]:
    found = servers(book, own_database=_OWN_DATABASE)
    project = project_files(book, facts, found)
    texts = _texts(book, facts)
    has_pgbouncer = book.pooler is Pooler.PGBOUNCER
    books_digest = _digest(*project.values())
    return {
        **layout_values(),
        **book.model_dump(),
        **texts,
        "images": book.images.model_copy(update={"service": image}),
        "sizes": book.sizes,
        "size": for_kubernetes,
        "mebibytes": mebibytes,
        "secrets_folder": layout.SECRETS,
        "pooler_port": layout.POOLER_PORT,
        "has_pgbouncer": has_pgbouncer,
        "has_archiver": book.pooler is not Pooler.SUPAVISOR,
        "has_own_database": not found.is_database_outside,
        "database_port": book.database.port,
        "pooler_outside_port": book.database.pooler_port if book.pooler is Pooler.SUPAVISOR else None,
        "outside_blocks": _outside(book),
        "hosts": [book.domain, *([book.worker.origin] if book.worker.origin else [f"origin.{book.domain}"])],
        "pre_stop_seconds": _PRE_STOP_SECONDS,
        "grace_seconds": grace_seconds(facts),
        "books_digest": books_digest,
        "job_suffix": f"{facts.version.replace('.', '-')}-{_digest(image, books_digest)[:8]}",
        "project_items": [(path.replace("/", "."), path) for path in project],
        "project_texts": [(path.replace("/", "."), text) for path, text in project.items()],
        "direct_url": direct_url(book, found),
        "is_in_bucket": is_in_bucket(facts),
        "backup_environment": list(backup_environment(facts).items()),
        "operation_secrets": [
            "database_password",
            "qdrant_api_key",
            *(layout.S3_SECRETS if is_in_bucket(facts) else ()),
        ],
        "prometheus_secrets": ["qdrant_read_key", *([] if facts.metrics_open else ["metrics_key"])],
        "cron_jobs": _cron_jobs(facts),
        "rules": sorted(facts.watching.rules.items()),
        "dashboards": _boards(facts),
        "disruption_why": _disruption_why(book),
        **_secret_values(book, facts),
    }


def _texts(book: DeployBook, facts: ProjectFacts) -> dict[str, object]:
    """Return what goes into ConfigMaps, and digests of it, so that pods are made anew when it changes."""
    found = servers(book, own_database=_OWN_DATABASE)
    # Two poolers share what the database allows.
    pooler = {
        "database": book.database,
        "database_host": found.database.rpartition(":")[0],
        "database_is_outside": found.is_database_outside,
        "userlist": f"{layout.SECRETS}/pgbouncer_userlist",
        "pool_size": max(5, pool_size(book) // 2),
    }
    cache = {
        "cache_config": f"{layout.SECRETS}/cache_config",
        "valkey_mib": mebibytes(book.sizes.valkey.memory),
    }
    targets = {
        "service_targets": _by_name("service-each", layout.PORT),
        "vectors_targets": _by_name("qdrant-peers", layout.QDRANT_PORT),
    }
    texts = {
        "pgbouncer_ini": render("compose/pgbouncer.ini", pooler),
        "valkey_conf": render("compose/valkey.conf", cache),
        "qdrant_config": qdrant_config(book, is_cluster=book.qdrant.nodes > 1),
        "prometheus_yml": prometheus_config(facts, targets=targets),
        "alertmanager_yml": facts.watching.alertmanager,
    }
    return {
        **texts,
        "pgbouncer_digest": _digest(texts["pgbouncer_ini"]),
        "valkey_digest": _digest(texts["valkey_conf"]),
        "qdrant_digest": _digest(texts["qdrant_config"]),
        "watching_digest": _digest(
            texts["prometheus_yml"], texts["alertmanager_yml"], *facts.watching.rules.values()
        ),
    }


def _by_name(name: str, port: int) -> str:
    """Return how Prometheus finds every pod behind a name: by asking for its addresses, without a right in Kubernetes."""
    return f"dns_sd_configs:\n  - {{names: [{name}], type: A, port: {port}}}"


def _secret_values(book: DeployBook, facts: ProjectFacts) -> dict[str, object]:
    """Return which Secret holds what."""
    # Grafana is the cluster's own.
    secrets = [each for each in secrets_of(book, facts) if each.name != "grafana_admin_password"]
    rows = [
        {"secret": _secret_of(each), "key": each.name, "used_by": each.used_by, "origin": _origin(each)}
        for each in secrets
    ]
    names = list(dict.fromkeys(_secret_of(each) for each in secrets))
    return {
        "alert_secrets": [each.name for each in secrets if each.target],
        "secret_rows": rows,
        "secret_commands": [
            (name, [(each.name, each.file) for each in secrets if _secret_of(each) == name]) for name in names
        ],
        "first_secret": names[0],
    }


def _secret_of(secret: Secret) -> str:
    return "alertmanager" if secret.target else _SECRET_OF.get(secret.name, "opsctl")


def _origin(secret: Secret) -> str:
    if secret.is_random:
        return "random"
    return "derived from the others" if secret.is_derived else "given by others"


def _outside(book: DeployBook) -> str:
    """Return the addresses outside the cluster, as peers of a policy."""
    chosen = book.kubernetes.outside
    if chosen:
        return quoted([{"ipBlock": {"cidr": each}} for each in chosen])
    return quoted([{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_PRIVATE)}}])


def _cron_jobs(facts: ProjectFacts) -> list[dict[str, object]]:
    schedule = facts.backup.get("schedule")
    times = dict(schedule) if isinstance(schedule, Mapping) else {}
    return [
        {
            "name": "backup",
            "why": "Full or incremental, whichever is due; how often stands in `ops/backup.yaml`, whose alert fires when none came.",
            "schedule": cron_line(parse_duration(str(times.get("backup_every", "1d"))), minute=17, hour=3),
            "seconds": 6 * 3600,
            "words": ["dr", "backup"],
        },
        {
            "name": "verify",
            "why": "Every stored byte of the newest backup; the trial restore wants the secret key and a Qdrant, and is made elsewhere: see the guide.",
            "schedule": cron_line(parse_duration(str(times.get("verify_every", "7d"))), minute=47, hour=4),
            "seconds": 6 * 3600,
            "words": ["dr", "verify", "--stored-only"],
        },
    ]


def _boards(facts: ProjectFacts) -> Sequence[tuple[str, str]]:
    return sorted((path, text) for path, text in facts.watching.dashboards.items() if path.endswith(".json"))


def _disruption_why(book: DeployBook) -> str:
    if book.qdrant.nodes > 1 and book.qdrant.replication > 1:
        return "One node at a time: the copies of its shards are on others."
    return "None by itself: there is no other copy of what a node holds. Drain it when feeds may come from lower tiers."


def _digest(*texts: object) -> str:
    return hashlib.sha256("\0".join(map(str, texts)).encode()).hexdigest()[:16]
