"""Which collections shall exist: the book of the source and the derived collections, with their budgets."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opsctl.config.model import StrictModel
from opsctl.config.quantities import Duration
from opsctl.core.findings import Finding, Severity
from opsctl.core.units import parse_duration
from opsctl.vectors.filters import FilterSpec

Share = Annotated[float, Field(gt=0, le=1)]

DEFAULT_SOURCE = "content"
"""Name of the source where a project has no book of collections."""

_NAME = re.compile(r"[a-z0-9_]{1,60}")

IndexKind = Literal["keyword", "integer", "float", "bool", "datetime", "uuid", "geo", "text"]


class Source(StrictModel):
    """The collection that everything is derived from."""

    collection: Annotated[str, Field(min_length=1, max_length=255)]
    """Name of the collection, or of an alias that leads to it."""
    vector: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """Name of the vector that searches use, where the collection has named vectors."""
    dimension: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Length that this vector must have; a rebuild is refused when the source differs."""


class Budgets(StrictModel):
    """What a derived collection must hold to be served."""

    recall: Share = 0.95
    """Lowest recall@10 against exact search, with 95 % confidence."""
    p95: Duration = "50ms"
    """Highest 95th percentile of the engine's own search time."""
    staleness: Duration = "10m"
    """How old the copy may be before `status` calls it stale."""

    @property
    def p95_seconds(self) -> float:
        """Return the latency budget in seconds."""
        return parse_duration(self.p95)

    @property
    def staleness_seconds(self) -> float:
        """Return the staleness budget in seconds."""
        return parse_duration(self.staleness)


class VectorParams(StrictModel):
    """How the vectors of the derived collection are kept; what is not given is as in the source."""

    on_disk: bool | None = None
    """Keep the vectors on disk instead of in memory."""
    quantization: Literal["none", "scalar"] | None = None
    """`scalar` searches 8-bit copies of the vectors first; `none` takes the source's quantization away."""


class HnswParams(StrictModel):
    """The graph of the derived collection; what is not given is as in the source."""

    m: Annotated[int, Field(ge=0, le=256)] | None = None
    """Links of each point; 0 builds no graph."""
    ef_construct: Annotated[int, Field(ge=4, le=4096)] | None = None
    """Candidates looked at while building; more is slower to build and finds more."""
    payload_m: Annotated[int, Field(ge=0, le=256)] | None = None
    """Links inside each value of an indexed field."""


class DerivedCollection(StrictModel):
    """One derived collection: the points of the source that pass the filter."""

    filter: FilterSpec
    """Conditions on payload fields, all of which must hold."""
    when_empty: Literal["refuse", "skip"] = "refuse"
    """`skip` leaves it out as long as no point of the source passes and nothing serves; `refuse` stops there."""
    budgets: Budgets = Budgets()
    """What it must hold to be served."""
    vectors: VectorParams = VectorParams()
    """How its vectors are kept."""
    hnsw: HnswParams = HnswParams()
    """Its graph."""
    indexing_threshold: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """Kilobytes of vectors from which a segment gets a graph; 0 builds none."""
    payload_indexes: dict[Annotated[str, Field(min_length=1, max_length=200)], IndexKind] | None = None
    """Fields to index; without it, those of the source that the filter does not already decide."""
    shard_number: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Shards in a cluster."""
    replication_factor: Annotated[int, Field(ge=1, le=100)] | None = None
    """Copies of each shard in a cluster."""
    generations_kept: Annotated[int, Field(ge=1, le=20)] = 2
    """Good generations to keep, the live one among them; one more than 1 makes `rollback` possible."""
    minimum_age: Duration = "10m"
    """Younger generations are never collected."""

    @property
    def minimum_age_seconds(self) -> float:
        """Return the age below which no generation is collected."""
        return parse_duration(self.minimum_age)


class Limits(StrictModel):
    """What the server is spared."""

    collections: Annotated[int, Field(ge=1, le=100_000)] = 300
    """Most collections on the server; Qdrant advises against more than a few hundred."""
    streams: Annotated[int, Field(ge=1, le=16)] = 2
    """Streams that copy side by side."""
    optimizer_threads: Annotated[int, Field(ge=1, le=256)] | None = None
    """Threads that may index a new generation while the old one serves."""


class CollectionsBook(StrictModel):
    """The book `ops/collections.yaml`."""

    source: Source
    """What everything is derived from."""
    derived: Annotated[dict[str, DerivedCollection], Field(max_length=200, default_factory=dict)]
    """The derived collections by name; the name becomes the alias that searches use."""
    limits: Limits = Limits()
    """What the server is spared."""

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for name in self.derived:
            if not _NAME.fullmatch(name):
                raise ValueError(f"`{name}` is no name for an alias: use 1 to 60 of a-z, 0-9 and _")
            if "__g" in name:
                raise ValueError(f"`{name}` contains `__g`, which marks the generations of an alias")
            if name == self.source.collection:
                raise ValueError(f"derived collection `{name}` has the name of the source")
        return self


def lint_book(book: CollectionsBook) -> tuple[Finding, ...]:
    """Return what is allowed but hardly meant: two derived collections with one filter."""
    alike: dict[str, list[str]] = {}
    for name, derived in book.derived.items():
        alike.setdefault(_canonical(derived.filter), []).append(name)
    return tuple(
        Finding(
            code="COL010",
            severity=Severity.WARNING,
            title=f"{', '.join(f'`{name}`' for name in names)} have the same filter",
            evidence=str(book.derived[names[0]].filter),
            fix="keep one of them, and let the other names be aliases of it",
        )
        for names in alike.values()
        if len(names) > 1
    )


def _canonical(spec: FilterSpec) -> str:
    return repr(sorted(spec.model_dump(mode="json", by_alias=True, exclude_none=True).items()))
