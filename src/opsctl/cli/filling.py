"""With what do the verbs of `catalog` work: the chosen mapping, embedder, source collection, and the way to sync."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import psycopg

    from opsctl.catalog.mapping import MappingBook
    from opsctl.catalog.overview import Overview
    from opsctl.catalog.store_readers import ReadersPreview
    from opsctl.catalog.sync import SyncReport
    from opsctl.cli.backends import Backends
    from opsctl.core.events import Listener
    from opsctl.core.findings import Finding
    from opsctl.embeddings.model import Embedder
    from opsctl.store.content import UpsertCounts
    from opsctl.store.simulated import SimulatedCounts


def tell(
    schema: str,
    *,
    data: Any,
    json: bool,
    show: "Callable[[], None]",
    findings: "Sequence[Finding]" = (),
) -> None:
    """Print the result: one JSON document where asked for, else what `show` prints."""
    from opsctl.cli.document import document
    from opsctl.ui.console import print_document

    if json:
        print_document(document(schema, data=data, ok=not findings, findings=findings))
    else:
        show()


def embedder() -> "Embedder":
    """Return the embedder of the settings."""
    from opsctl.cli import wiring
    from opsctl.config.settings import secret
    from opsctl.embeddings.make import make_embedder

    settings = wiring.settings()
    chosen = settings.project.embedding
    key = secret(
        variable="OPSCTL_EMBEDDING_API_KEY",
        file=chosen.api_key_file,
        root=settings.root,
        environment=os.environ,
    )
    return make_embedder(chosen, api_key=key)


def source_collection() -> str:
    """Return the name that the collections book gives to the source; the default one where there is no book."""
    from opsctl.cli import wiring
    from opsctl.service.plan import load_collections_book

    return load_collections_book(wiring.settings()).source.collection


def mapping(name: str) -> "MappingBook":
    """Return a mapping by its file, or by the name of a shipped one."""
    from opsctl import assets
    from opsctl.catalog.mapping import load_mapping

    folder = assets.templates() / "mappings"
    for path in (Path(name), Path(f"{name}.yaml"), folder / f"{name}.yaml"):
        if _is_file(path):
            return load_mapping(path)
    shipped = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
    raise UsageError(
        f"there is no mapping `{name}`",
        code="CAT009",
        why="it is neither a file nor the name of a shipped mapping",
        fix=f"shipped mappings: {shipped}; or write your own: opsctl config schema mapping",
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long for a file
        return False


def sync(servers: "Backends", *, listener: "Listener", from_scratch: bool = False) -> "SyncReport":
    """Let the source collection follow the database."""
    from opsctl.catalog.qdrant_sink import QdrantSink
    from opsctl.catalog.sync import Truth, sync_vectors
    from opsctl.cli import wiring
    from opsctl.clients.postgres import translated_errors

    chosen, collection = embedder(), source_collection()
    with translated_errors(servers.database_address()):
        return sync_vectors(
            Truth(work=servers.database(), lock=servers.database()),
            sink=QdrantSink(servers.vectors(), clock=wiring.clock()),
            embedder=chosen,
            collection=collection,
            listener=listener,
            from_scratch=from_scratch,
        )


def migrate(servers: "Backends", *, dry_run: bool, listener: "Listener") -> list[str]:
    """Apply the migrations that are due, or only name them."""
    from opsctl.clients.postgres import connect, translated_errors
    from opsctl.store.migrate import apply_migrations, plan_migrations

    address = servers.database_address()
    with translated_errors(address), connect(address) as connection:
        due = plan_migrations(connection) if dry_run else apply_migrations(connection, listener=listener)
    return [f"{each.version}_{each.name}" for each in due]


def generate(servers: "Backends", *, items: int, seed: int, listener: "Listener") -> "UpsertCounts":
    """Write the generated items of a seed to the database."""
    from opsctl.catalog.generate import generate_items, source_of
    from opsctl.catalog.store_items import store_items
    from opsctl.clients.postgres import translated_errors

    with translated_errors(servers.database_address()):
        return store_items(
            generate_items(items, seed=seed),
            source=source_of(seed),
            count=items,
            connection=servers.database(),
            listener=listener,
        )


def has_other_items(servers: "Backends", *, seed: int) -> bool:
    """Tell whether there are items that this seed has not made."""
    from opsctl.catalog.generate import source_of

    return _is_true(
        servers, "select exists (select from content where source is distinct from %s)", source_of(seed)
    )


def has_real_readers(servers: "Backends") -> bool:
    """Tell whether there are readers that are not marked as simulated."""
    return _is_true(
        servers,
        "select exists (select from users where not coalesce(attributes @> %s, false))",
        '{"simulated": true}',
    )


def _is_true(servers: "Backends", statement: str, value: str) -> bool:
    from opsctl.clients.postgres import translated_errors

    with translated_errors(servers.database_address()):
        found = servers.database().execute(statement.encode(), [value]).fetchone()
    return bool(found and found[0])


def readers(servers: "Backends", *, users: int, seed: int, listener: "Listener") -> "SimulatedCounts":
    """Write the simulated readers of a seed to the database, and count what they did into the items' popularity."""
    from opsctl.catalog.store_readers import store_readers
    from opsctl.cli import wiring
    from opsctl.cli.asynchronous import on_database
    from opsctl.clients.postgres import translated_errors
    from opsctl.store.popularity import refresh_popularity

    now = wiring.clock().now()

    async def count(connection: "psycopg.AsyncConnection[Any]") -> None:
        while await refresh_popularity(connection, now=now):
            pass

    with translated_errors(servers.database_address()):
        counts = store_readers(servers.database(), users=users, seed=seed, now=now, listener=listener)
    on_database(servers, count)
    return counts


def preview_readers(servers: "Backends", *, users: int, seed: int) -> "ReadersPreview":
    """Return what the simulated readers of a seed would do with the catalogue that is there."""
    from opsctl.catalog.store_readers import preview_readers as preview
    from opsctl.cli import wiring

    return preview(servers.database(), users=users, seed=seed, now=wiring.clock().now())


def overview(servers: "Backends") -> "Overview":
    """Return what the catalogue holds and how far the vectors follow it."""
    from opsctl.catalog.overview import read_overview
    from opsctl.cli import wiring
    from opsctl.clients.postgres import translated_errors

    with translated_errors(servers.database_address()):
        return read_overview(servers.database(), collection=source_collection(), now=wiring.clock().now())
