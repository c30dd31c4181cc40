"""Can this derived collection be built, from what, and into what: every check before anything is changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.errors import RefusedError
from opsctl.evidence.model import digest_of
from opsctl.qdrant_collections.checkpoint import RebuildState
from opsctl.qdrant_collections.fields import check_fields
from opsctl.qdrant_collections.model import CollectionsBook, DerivedCollection
from opsctl.qdrant_collections.names import Generation, generations_of, parse_generation
from opsctl.qdrant_collections.options import RebuildOptions
from opsctl.qdrant_collections.provenance import BuildState, read_provenance
from opsctl.qdrant_collections.source import check_dimension, read_source
from opsctl.qdrant_collections.store import VectorStore
from opsctl.qdrant_collections.target import Features, creation_parameters, payload_indexes

_STALE_BEAT = timedelta(minutes=5)
_PAYLOAD_BYTES = 1024  # a guess; only the order of magnitude matters for a warning about room
_GRAPH_FACTOR = 1.5  # vectors plus links, Qdrant's own capacity rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildPlan:
    """What a rebuild will do; the same value is shown by `--dry-run` and carried out otherwise."""

    alias: str
    derived: DerivedCollection
    source: str
    using: str
    dimension: int
    features: Features
    parameters: dict[str, Any]
    indexes: dict[str, Any]
    live: str | None
    points: int
    source_points: int
    digest: str
    generations: tuple[Generation, ...]


def plan_rebuild(
    alias: str,
    *,
    book: CollectionsBook,
    store: VectorStore,
    options: RebuildOptions,
    now: datetime,
    resumed: RebuildState | None,
) -> RebuildPlan:
    """Look at everything that can be known before and return the plan.

    Raises:
        RefusedError: when the plan could only fail, or would put something of somebody else's at risk.
    """
    derived = book.derived[alias]
    features = Features.of(store.server_version())
    collections, aliases = store.collections(), store.aliases()
    own = resumed.generation if resumed else None
    check_name(alias, collections=collections, aliases=aliases)
    _check_budget(book, collections=collections)
    source = read_source(book.source, store=store, collections=collections, aliases=aliases)
    dimension = check_dimension(book.source, source_state=source, expected=options.expected_dimension)
    _check_other_builders(alias, collections=collections, store=store, now=now, own=own)
    check_fields(derived.filter, source=source, store=store)
    points = _check_points(alias, derived=derived, source=source, store=store, options=options)
    _check_room(points, dimension=dimension, free_bytes=options.free_bytes)
    parameters = creation_parameters(source, derived=derived)
    indexes = payload_indexes(source, derived=derived)
    return RebuildPlan(
        alias=alias,
        derived=derived,
        source=source.name,
        using=book.source.vector or "",
        dimension=dimension,
        features=features,
        parameters=parameters,
        indexes=indexes,
        live=aliases.get(alias),
        points=points,
        source_points=source.points_count,
        digest=plan_digest(derived, source=source.name, parameters=parameters, indexes=indexes),
        generations=tuple(generations_of(alias, collections=collections)),
    )


def plan_digest(
    derived: DerivedCollection, *, source: str, parameters: dict[str, Any], indexes: dict[str, Any]
) -> str:
    """Return the digest of everything that decides what a generation holds; a changed book changes it."""
    content = {
        "filter": derived.filter.model_dump(mode="json", by_alias=True, exclude_none=True),
        "source": source,
        "parameters": parameters,
        "indexes": indexes,
    }
    return digest_of(content)


def check_name(alias: str, *, collections: tuple[str, ...], aliases: dict[str, str]) -> None:
    """See that the name is free for an alias of ours.

    Raises:
        RefusedError: COL011 when a collection has it, COL012 when the alias is somebody else's.
    """
    if alias in collections:
        also = f", and an alias `{alias}` leads to `{aliases[alias]}`" if alias in aliases else ""
        raise RefusedError(
            f"a collection is itself called `{alias}`{also}",
            code="COL011",
            why="searches reach a derived collection by an alias; an alias and a collection cannot share a name",
            fix=f"1. give the derived collection another name in the book and rebuild it; "
            f"2. point the readers of `{alias}` to that name; "
            f"3. delete the collection `{alias}` after a snapshot; then the name is free for an alias",
        )
    live = aliases.get(alias)
    if live is not None:
        generation = parse_generation(live)
        if generation is None or generation.alias != alias:
            raise RefusedError(
                f"alias `{alias}` leads to `{live}`, which opsctl did not build",
                code="COL012",
                why="a swap would take the alias away from whoever set it",
                fix="choose another name in the book, or delete that alias first",
            )


def _check_budget(book: CollectionsBook, *, collections: tuple[str, ...]) -> None:
    if len(collections) + 1 > book.limits.collections:
        raise RefusedError(
            f"the server has {len(collections)} collections; the book allows {book.limits.collections}",
            code="COL013",
            why="Qdrant is not made for many collections: each costs memory and start-up time",
            fix="run `opsctl collections gc`, or raise `limits.collections` in the book",
        )


def _check_other_builders(
    alias: str, *, collections: tuple[str, ...], store: VectorStore, now: datetime, own: str | None
) -> None:
    """Refuse while another machine builds the same name; this machine's own builds hold a file lock."""
    for generation in generations_of(alias, collections=collections):
        if generation.collection == own:
            continue
        notes = read_provenance(store.collection(generation.collection).metadata)
        if notes is None or notes.state is not BuildState.BUILDING or now - notes.beat_moment > _STALE_BEAT:
            continue
        if notes.builder == builder_name():
            continue  # an earlier run here that was killed: the lock says that it is gone
        raise RefusedError(
            f"`{notes.builder}` is building `{generation.collection}` right now",
            code="COL014",
            why=f"it gave its last sign of life {(now - notes.beat_moment).seconds} s ago",
            fix=f"wait for it; if it has died, wait {_STALE_BEAT.seconds // 60} minutes and run this again",
        )


def builder_name() -> str:
    """Return what this machine signs its builds with."""
    import platform

    return platform.node()


def _check_points(
    alias: str,
    *,
    derived: DerivedCollection,
    source: CollectionState,
    store: VectorStore,
    options: RebuildOptions,
) -> int:
    points = store.count(source.name, filter=derived.filter.to_qdrant())
    if points == 0 and not options.allow_empty:
        raise RefusedError(
            f"no point of `{source.name}` passes the filter of `{alias}`",
            code="COL017",
            why=f"{derived.filter}",
            fix="correct the filter in the book, or add --allow-empty if an empty collection is meant",
        )
    return points


def _check_room(points: int, *, dimension: int, free_bytes: int | None) -> None:
    needed = round(points * (dimension * 4 * _GRAPH_FACTOR + _PAYLOAD_BYTES))
    if free_bytes is None or needed <= free_bytes:
        return
    from opsctl.core.units import format_bytes

    raise RefusedError(
        f"the new generation needs about {format_bytes(needed)}; the disk has {format_bytes(free_bytes)}",
        code="COL018",
        why="two generations exist side by side until the swap",
        fix="run `opsctl collections gc`, or free some space",
    )
