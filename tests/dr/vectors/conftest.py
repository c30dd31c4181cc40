"""The session's vector node, as backup and restore see it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_client import QdrantClient
from tests.dr.vectors.scene import Scene
from tests.running_node import RunningNode

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_snapshots import QdrantSnapshots
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.clients.repository_folder import FolderRepository


@pytest.fixture
def scene(vector_node: RunningNode, qdrant: QdrantClient, tmp_path: Path) -> Iterator[Scene]:
    """Give a node; collections that the test makes are deleted afterwards."""
    place = QdrantPlace(url=vector_node.url)
    with QdrantStore(place) as store, QdrantSnapshots(place) as node:
        yield Scene(store=store, node=node, repository=FolderRepository(tmp_path / "repository"))
