"""A filled database and its vectors, made once a session; each test gets a copy of the database."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.conftest import EmbeddedPostgres
from tests.running_node import RunningNode, start_node
from tests.service.feed.world import World

from opsctl.catalog.generate import generate_items
from opsctl.clients.postgres import connect
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace, SetAlias
from opsctl.store.content import upsert_items

ITEMS = 600
_TEMPLATE = "feed_template"
_COLLECTION = "feed_content"
_DERIVED = "feed_au_photographers"


@pytest.fixture(scope="session")
def feed_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Start a vector node of these tests' own: what they keep there for the session is in nobody's way."""
    node = start_node(tmp_path_factory.mktemp("feed-node") / "data")
    try:
        yield node
    finally:
        node.end()


@pytest.fixture(scope="session")
def filled_template(
    embedded_postgres: EmbeddedPostgres, migrated_template: str, feed_node: RunningNode
) -> World:
    """Make the template, its source collection and one derived collection behind an alias."""
    embedded_postgres.execute(f"create database {_TEMPLATE} template {migrated_template}")
    world = World(
        database=embedded_postgres.address(_TEMPLATE),
        vectors=QdrantPlace(url=feed_node.url),
        collection=_COLLECTION,
        derived=_DERIVED,
    )
    with connect(world.database) as connection:
        upsert_items(connection, list(generate_items(ITEMS, seed=1)), source="generated_1")
    world.write_vectors()
    _derive(world)
    return world


@pytest.fixture
def world(filled_template: World, embedded_postgres: EmbeddedPostgres) -> Iterator[World]:
    """Give a database of its own over the shared vectors, which the test must not change."""
    with embedded_postgres.new_database(template=_TEMPLATE) as address:
        yield World(
            database=address,
            vectors=filled_template.vectors,
            collection=_COLLECTION,
            derived=_DERIVED,
        )


@pytest.fixture
def own_world(filled_template: World, embedded_postgres: EmbeddedPostgres) -> Iterator[World]:
    """Give a database and vectors of its own, of a few items."""
    collection = f"feed_{uuid4().hex[:8]}"
    with embedded_postgres.new_database(template=_TEMPLATE) as address:
        world = World(database=address, vectors=filled_template.vectors, collection=collection)
        world.execute("delete from content where id > 60")
        world.execute("delete from outbox where aggregate_id > 60")
        try:
            world.write_vectors()
            yield world
        finally:
            with QdrantStore(world.vectors) as store:
                store.delete_collection(collection)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the service's folder."""
    return tmp_path / "service"


def _derive(world: World) -> None:
    condition = world.book.derived[world.derived].filter.to_qdrant()
    with QdrantStore(world.vectors) as store:
        page = store.scroll(world.collection, limit=1000, filter=condition, with_vectors=True)
        store.create_collection(
            f"{world.derived}__g1",
            {"vectors": {"size": world.embedder.dimension, "distance": "Cosine"}},
        )
        store.upsert(f"{world.derived}__g1", page.points)
        store.change_aliases([SetAlias(alias=world.derived, collection=f"{world.derived}__g1")])
