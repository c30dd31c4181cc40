"""Where does it run, from which images, how large and how often: the book `ops/deploy.yaml`."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import ByteSize

# The grammar of the distribution project's `reference` package, without what nobody writes: a digest alone.
_IMAGE = re.compile(
    r"(?P<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]+)?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r":(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})"
    r"(?P<digest>@sha256:[0-9a-f]{64})?"
)
_VERSION = re.compile(r"\d+\.\d+")


def _checked_image(text: str) -> str:
    """Refuse an image that could be another one tomorrow."""
    found = _IMAGE.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text[:80]}` is not an image with a tag; write it as `qdrant/qdrant:v1.20.0`")
    if not _VERSION.search(found["tag"]) and found["digest"] is None:
        raise ValueError(
            f"the tag `{found['tag']}` names no version, so it moves; write one such as `v1.20.0`, or add `@sha256:...`"
        )
    return text


Image = Annotated[str, Field(max_length=500), AfterValidator(_checked_image)]
"""An image with an exact version, such as `postgres:18.6-bookworm`, and `@sha256:...` behind it if wanted."""
Label = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
"""A name that Kubernetes and compose both take."""
HostName = Annotated[
    str, Field(max_length=253, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
]
"""A host's name in lower case."""
IpAddress = Annotated[str, Field(pattern=r"^(\d{1,3}\.){3}\d{1,3}$|^::1?$")]
Network = Annotated[str, Field(pattern=r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$")]
"""A range of addresses such as `10.20.0.0/16`."""
Port = Annotated[int, Field(ge=1, le=65535)]
SqlName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,62}$")]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Pooler(StrEnum):
    """What stands before PostgreSQL."""

    PGBOUNCER = "pgbouncer"
    SUPAVISOR = "supavisor"
    NONE = "none"


class Images(StrictModel):
    """What is run, each at an exact version: a tag that moves makes two machines two deployments."""

    service: Image | None = None
    """The service, its exporter and its jobs, built from the rendered Dockerfile; default: `opsctl:` and the version of this opsctl."""
    python: Image = "python:3.11.14-slim-bookworm"
    """What that image is built on."""
    qdrant: Image = "qdrant/qdrant:v1.20.0-unprivileged"
    """The vectors; the minor version is that of the client in `constraints.txt`."""
    postgres: Image = "postgres:18.6-bookworm"
    """The database of compose."""
    pgbouncer: Image = "edoburu/pgbouncer:v1.25.2-p0"
    """The pooler."""
    valkey: Image = "valkey/valkey:8.1.4-bookworm"
    """L2 of the caches."""
    prometheus: Image = "prom/prometheus:v3.5.0"
    """Metrics and rules; the rules are rendered for its major version."""
    alertmanager: Image = "prom/alertmanager:v0.28.1"
    """Routes of alerts."""
    grafana: Image = "grafana/grafana:12.2.0"
    """Dashboards."""


class Size(StrictModel):
    """How much of a machine a part may take."""

    cpus: Annotated[float, Field(gt=0, le=256)]
    """Cores that it is sure of."""
    most_cpus: Annotated[float, Field(gt=0, le=256)]
    """Cores that it may take when they are free."""
    memory: ByteSize
    """Memory that it is sure of and may not exceed: asking for less than the limit would only choose who is killed first."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.most_cpus < self.cpus:
            raise ValueError(f"`most_cpus` is {self.most_cpus:g}, less than `cpus`, {self.cpus:g}")
        return self


class Sizes(StrictModel):
    """How much of a machine each part may take."""

    service: Size = Size(cpus=1, most_cpus=2, memory="1GiB")
    """One replica of the service."""
    jobs: Size = Size(cpus=0.25, most_cpus=1, memory="512MiB")
    """Exporter, archiver, migrations, backups."""
    qdrant: Size = Size(cpus=1, most_cpus=4, memory="4GiB")
    """One node of the vectors."""
    postgres: Size = Size(cpus=1, most_cpus=2, memory="2GiB")
    """The database of compose."""
    pgbouncer: Size = Size(cpus=0.1, most_cpus=0.5, memory="64MiB")
    """The pooler."""
    valkey: Size = Size(cpus=0.25, most_cpus=1, memory="768MiB")
    """L2; three quarters of it are filled before old entries leave."""
    prometheus: Size = Size(cpus=0.25, most_cpus=1, memory="1GiB")
    """Prometheus."""
    alertmanager: Size = Size(cpus=0.05, most_cpus=0.25, memory="128MiB")
    """Alertmanager."""
    grafana: Size = Size(cpus=0.1, most_cpus=0.5, memory="512MiB")
    """Grafana."""


class Replicas(StrictModel):
    """How many of the service run."""

    service: Annotated[int, Field(ge=1, le=1000)] = 2
    """Always at least so many; one is lost without anybody noticing only from two on."""
    most: Annotated[int, Field(ge=1, le=1000)] = 10
    """At most, where Kubernetes adds some under load."""
    cpu_target: Annotated[int, Field(ge=10, le=95)] = 60
    """Per cent of `sizes.service.cpus` at which more are added."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.most < self.service:
            raise ValueError(f"`most` is {self.most}, less than `service`, {self.service}")
        return self


class Publish(StrictModel):
    """What compose opens to the machine outside its networks."""

    address: IpAddress = "127.0.0.1"
    """On loopback, whatever ends TLS stands on the same machine; `0.0.0.0` opens plain HTTP to everybody who reaches it."""
    port: Port = 8080
    """Of the service."""
    grafana_port: Port | None = None
    """Of Grafana, always on loopback; closed by default: `ssh -L` and this, or a reverse proxy with a login."""


class Tls(StrictModel):
    """Who ends TLS in Kubernetes."""

    secret: DnsLabel = "feed-tls"  # noqa: S105 - a name
    """Secret of type `kubernetes.io/tls` that the Ingress uses."""
    issuer: DnsLabel | None = None
    """A ClusterIssuer of cert-manager that fills it; without one somebody has to."""


class Database(StrictModel):
    """Where PostgreSQL is."""

    host: HostName | None = None
    """Its host; without one compose runs a PostgreSQL of its own, and Kubernetes asks a Service called `postgres`."""
    port: Port = 5432
    """Its port, for migrations and backups: not the pooler's."""
    name: SqlName = "postgres"
    """The database."""
    user: SqlName = "postgres"
    """The role; its password is the secret `database_password`."""
    pooler_host: HostName | None = None
    """Host of a Supavisor, such as `aws-0-eu-central-1.pooler.supabase.com`."""
    pooler_port: Port = 6543
    """Its port for transactions."""
    pooler_user: SqlName | None = None
    """The role as Supavisor wants it, with the project behind a dot: `postgres.abcdefghijklmnopqrst`."""


class Qdrant(StrictModel):
    """The cluster of the vectors in Kubernetes, and what holds for new collections everywhere."""

    nodes: Annotated[int, Field(ge=1, le=100)] = 3
    """Nodes of the cluster; compose runs one. Consensus goes on as long as more than half of them are there, so two are worse than one."""
    shards: Annotated[int, Field(ge=1, le=1000)] = 6
    """Shards of a collection. A multiple of `nodes` loads them alike; twice as many let the cluster double without resharding."""
    replication: Annotated[int, Field(ge=1, le=100)] = 2
    """Copies of each shard, on different nodes; two survive the loss of one node."""
    write_consistency: Annotated[int, Field(ge=1, le=100)] = 1
    """Copies that must take a write before it counts. With two copies, two would refuse writes whenever one node is away."""
    on_disk_vectors: bool = False
    """True keeps vectors in files that are read when needed: less memory, slower searches."""
    on_disk_payload: bool = True
    """True keeps payloads in files; indexed fields stay in memory anyway."""
    storage: ByteSize = "20GiB"
    """Disk of a node."""
    storage_class: DnsLabel | None = None
    """Class of its disk in Kubernetes; the cluster's default without one. It has to be block storage: Qdrant does not run on NFS."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.replication > self.nodes:
            raise ValueError(
                f"`replication` is {self.replication}, but there are {self.nodes} nodes to hold a copy each"
            )
        if self.write_consistency > self.replication:
            raise ValueError(
                f"`write_consistency` is {self.write_consistency}, but `replication` makes only {self.replication} copies"
            )
        return self


class Kubernetes(StrictModel):
    """What a cluster needs to know."""

    version: Annotated[str, Field(pattern=r"^1\.\d{1,2}$")] = "1.34"
    """Its version, against whose schemas manifests are checked."""
    ingress_class: DnsLabel = "nginx"
    """Which controller serves the Ingress."""
    ingress_namespace: DnsLabel = "ingress-nginx"
    """Where that controller runs: only from there may the service be asked."""
    outside: list[Network] = Field(default_factory=list, max_length=50)
    """Where database, bucket of backups, model and receivers of alerts are, as ranges; empty: any address that is not private."""
    storage: ByteSize = "10GiB"
    """Disk of Prometheus, and of the state that archiver and jobs share."""


class Worker(StrictModel):
    """The Cloudflare Worker in front."""

    name: DnsLabel = "feed-edge"
    """Its name."""
    zone: HostName | None = None
    """The zone of `domain` at Cloudflare; default: its last two labels."""
    origin: HostName | None = None
    """Where the Ingress or the machine is reached; default: `origin.` and `domain`. Nobody else should reach it: see the guide."""
    kv_namespace: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """Id of the KV namespace: `npx wrangler kv namespace create feed`; deployed without one, the Worker refuses to start."""
    compatibility_date: Annotated[str, Field(pattern=r"^20\d\d-[01]\d-[0-3]\d$")] = "2026-02-01"
    """Which behaviour of the runtime holds."""
    origin_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """Longest wait for the origin before something older is given."""
    marks_seconds: Annotated[int, Field(ge=1, le=600)] = 10
    """How often an instance of the Worker asks KV what was invalidated; KV itself may take a minute to tell everybody."""


class DeployBook(StrictModel):
    """The whole of `ops/deploy.yaml`."""

    name: Label = "feed"
    """Of the compose project and of the Kubernetes namespace."""
    domain: HostName = "feed.example.com"
    """Under which readers reach it."""
    images: Images = Images()
    """What is run."""
    replicas: Replicas = Replicas()
    """How many."""
    sizes: Sizes = Sizes()
    """How large."""
    publish: Publish = Publish()
    """What compose opens."""
    tls: Tls = Tls()
    """Who ends TLS in Kubernetes."""
    pooler: Pooler = Pooler.PGBOUNCER
    """Who shares connections to the database: `pgbouncer`, which is rendered; `supavisor`, which a Supabase project has; or `none`."""
    database: Database = Database()
    """Where PostgreSQL is."""
    qdrant: Qdrant = Qdrant()
    """The cluster of the vectors."""
    kubernetes: Kubernetes = Kubernetes()
    """What a cluster needs to know."""
    worker: Worker = Worker()
    """The edge."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.pooler is Pooler.SUPAVISOR and (
            self.database.host is None or self.database.pooler_host is None
        ):
            raise ValueError(
                "`pooler: supavisor` needs `database.host`, where migrations go, and `database.pooler_host`, where requests go"
            )
        return self
