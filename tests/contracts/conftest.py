"""The two sides of the contract: the vector node (or the server of OPSCTL_QDRANT_URL) and the local-mode oracle."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from qdrant_client import QdrantClient, models


@dataclass(frozen=True, slots=True)
class Pair:
    """One collection that exists on both sides under the same name."""

    subject: QdrantClient
    oracle: QdrantClient
    name: str

    @property
    def sides(self) -> tuple[QdrantClient, QdrantClient]:
        """The subject, then the oracle."""
        return self.subject, self.oracle

    def create(self, **parameters: object) -> None:
        """Make the collection anew on both sides; four dimensions and dot product unless told."""
        defaults: dict[str, object] = {
            "vectors_config": models.VectorParams(size=4, distance=models.Distance.DOT),
        }
        for side in self.sides:
            side.delete_collection(self.name)
            side.create_collection(self.name, **(defaults | parameters))  # type: ignore[arg-type]

    def upsert(self, points: list[models.PointStruct]) -> None:
        """Write points to both sides."""
        for side in self.sides:
            side.upsert(self.name, points=points, wait=True)

    def ids(self, chosen: models.Filter | None = None) -> tuple[list[object], list[object]]:
        """Return the ids that a filter selects, on both sides."""
        first, second = (
            sorted(str(each.id) for each in side.scroll(self.name, scroll_filter=chosen, limit=1000)[0])
            for side in self.sides
        )
        return list(first), list(second)


@pytest.fixture(scope="session")
def subject_url(request: pytest.FixtureRequest) -> str:
    """Say which server is held against the contract."""
    url = os.environ.get("OPSCTL_QDRANT_URL")
    return url or str(request.getfixturevalue("vector_node").url)


@pytest.fixture
def pair(subject_url: str) -> Iterator[Pair]:
    """Give an empty name on both sides; what the test made of it is deleted."""
    key = os.environ.get("OPSCTL_QDRANT_API_KEY")
    subject, oracle = QdrantClient(url=subject_url, api_key=key, timeout=60), QdrantClient(":memory:")
    name = f"contract_{uuid4().hex[:12]}"
    try:
        yield Pair(subject, oracle, name)
    finally:
        subject.delete_collection(name)
        subject.close()
        oracle.close()
