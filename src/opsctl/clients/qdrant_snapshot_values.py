"""What a node of Qdrant says about itself and its snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EngineKind(StrEnum):
    """Whose files a snapshot holds; one cannot read the other's."""

    QDRANT = "qdrant"
    VECTOR_NODE = "vector-node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What a node runs.

    >>> str(Engine.parse("vector-node 1.20.0"))
    'vector-node 1.20.0'
    """

    kind: EngineKind
    version: str

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"

    @classmethod
    def parse(cls, text: str) -> "Engine":
        """Return what `str()` wrote.

        Raises:
            ValueError: it is something else.
        """
        kind, _, version = text.partition(" ")
        return cls(kind=EngineKind(kind), version=version)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Return major, minor and patch; what follows, as in `1.21.0-dev`, does not count.

        Raises:
            ValueError: there are no such numbers.
        """
        major, minor, patch = self.version.partition("-")[0].split(".")
        return int(major), int(minor), int(patch)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """The cluster as one node sees it; `peer_id` is None where there is no cluster, and `peers` empty then.

    `peers` maps the id of each node to the address under which the others reach it, which is not that of clients.
    """

    peer_id: str | None = None
    peers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSnapshot:
    """A snapshot that lies on a node; an old server tells no checksum (SHA-256)."""

    name: str
    size_bytes: int
    checksum: str | None
