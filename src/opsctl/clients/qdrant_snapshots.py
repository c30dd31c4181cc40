"""How does a snapshot get off a node of Qdrant, or of the embedded vector node, and back onto one: streamed both ways.

A snapshot is of one node, so a cluster is spoken to by one of these clients a node; on Qdrant Cloud the address of a
node is that of the cluster with a path, such as `https://host:6333/node-0`.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any, Self
from urllib.parse import quote, urlsplit

from opsctl.clients.qdrant_errors import not_qdrant
from opsctl.clients.qdrant_snapshot_errors import broken_off, damaged, of_upload
from opsctl.clients.qdrant_snapshot_values import ClusterView, Engine, EngineKind, NodeSnapshot
from opsctl.clients.qdrant_snapshot_wire import FileForm, NodeHttp
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.errors import OpsError

# A node answers when the snapshot is made, or recovered from: a hundred gigabytes take a while.
LONG_WORK_SECONDS = 4 * 3600.0
_NOT_THERE = "COL006"


class QdrantSnapshots:
    """The snapshot API of one node; errors come out as an OpsError with a `COL` or `QSN` code.

    `place.timeout_seconds` is for short questions, `long_work_seconds` for what lasts as long as a snapshot is large.
    """

    def __init__(self, place: QdrantPlace, *, long_work_seconds: float = LONG_WORK_SECONDS) -> None:
        self.url = place.url
        self._http = NodeHttp(place, long_work_seconds=long_work_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    @cached_property
    def name(self) -> str:
        """Return the node's id in its cluster; its host and port where it is alone."""
        return self.cluster().peer_id or urlsplit(self.url).netloc.rpartition("@")[2]

    def engine(self) -> Engine:
        """Return what the node runs."""
        doing = "ask for the node's version"
        document = self._http.json("GET", "/", doing=doing)
        try:
            kind = EngineKind.VECTOR_NODE if "vector node" in document["title"] else EngineKind.QDRANT
            return Engine(kind=kind, version=str(document["version"]))
        except (KeyError, TypeError) as error:
            raise not_qdrant(self.url, doing=doing, why=f"no version: {document!r:.80}") from error

    def cluster(self) -> ClusterView:
        """Return the nodes of the cluster that this one belongs to."""
        doing = "look at the cluster"
        seen = self._result("GET", "/cluster", doing=doing)
        try:
            if seen["status"] != "enabled":
                return ClusterView()
            peers = {str(peer_id): str(peer["uri"]) for peer_id, peer in seen["peers"].items()}
            return ClusterView(peer_id=str(seen["peer_id"]), peers=peers)
        except (KeyError, TypeError, AttributeError) as error:
            raise not_qdrant(self.url, doing=doing, why=f"no cluster: {seen!r:.80}") from error

    def create(self, collection: str) -> NodeSnapshot:
        """Make a snapshot of what this node holds of a collection, which keeps on serving.

        Raises:
            NotReadyError: QSN005 when it takes too long; the node may finish it nevertheless.
        """
        doing = f"make a snapshot of `{collection}`"
        made = self._result("POST", f"{_path(collection)}?wait=true", doing=doing, is_long=True)
        return self._snapshot(made, doing=doing)

    def list(self, collection: str) -> tuple[NodeSnapshot, ...]:
        """Return the snapshots of a collection that lie on this node."""
        doing = f"list the snapshots of `{collection}`"
        return tuple(
            self._snapshot(each, doing=doing) for each in self._result("GET", _path(collection), doing=doing)
        )

    def download(self, collection: str, snapshot: NodeSnapshot) -> Iterator[bytes]:
        """Yield a snapshot, a bounded piece at a time; it has been checked when there is no more.

        Raises:
            FailedError: QSN001 when it is not what the node made, QSN002 when it is not whole.
        """
        digest, received = hashlib.sha256(), 0
        path = f"{_path(collection)}/{quote(snapshot.name, safe='')}"
        for piece in self._http.pieces(path, doing=f"fetch snapshot `{snapshot.name}`"):
            digest.update(piece)
            received += len(piece)
            yield piece
        if received != snapshot.size_bytes:
            raise broken_off(f"snapshot `{snapshot.name}`", received=received, expected=snapshot.size_bytes)
        if snapshot.checksum is not None and digest.hexdigest() != snapshot.checksum.lower():
            raise damaged(snapshot.name, url=self.url, expected=snapshot.checksum, got=digest.hexdigest())

    def upload(self, collection: str, pieces: Iterable[bytes], *, size_bytes: int, sha256: str) -> None:
        """Put what the node holds of a collection back to a snapshot; a collection that is not there is made.

        Raises:
            FailedError: QSN003 when the node received something else, QSN002 when the pieces are too few or many.
            NotReadyError: QSN004 when the node has no room, QSN005 when it takes too long.
        """
        file_name = f"opsctl-{secrets.token_hex(8)}.snapshot"
        form = FileForm("snapshot", file_name=file_name, size_bytes=size_bytes)
        asked = f"{_path(collection)}/upload?wait=true&priority=snapshot&checksum={sha256}"
        try:
            self._http.json(
                "POST",
                asked,
                doing=f"put `{collection}` back",
                is_long=True,
                content=form.around(pieces),
                headers=form.headers,
            )
        except OpsError as error:
            meant = of_upload(error, collection=collection, url=self.url, size_bytes=size_bytes)
            if meant is error:
                raise
            raise meant from error
        finally:
            # A Qdrant server keeps the file among the snapshots of the collection.
            with suppress(OpsError):
                self.delete(collection, file_name)

    def delete(self, collection: str, name: str) -> None:
        """Remove a snapshot from the node; one that is not there is no error."""
        path = f"{_path(collection)}/{quote(name, safe='')}?wait=true"
        try:
            self._http.json("DELETE", path, doing=f"remove snapshot `{name}`")
        except OpsError as error:
            if error.code != _NOT_THERE:
                raise

    def _result(self, method: str, path: str, *, doing: str, is_long: bool = False) -> Any:
        document = self._http.json(method, path, doing=doing, is_long=is_long)
        try:
            return document["result"]
        except (KeyError, TypeError) as error:
            raise not_qdrant(self.url, doing=doing, why=f"no result: {document!r:.80}") from error

    def _snapshot(self, told: Any, *, doing: str) -> NodeSnapshot:
        try:
            checksum = told.get("checksum")
            return NodeSnapshot(name=str(told["name"]), size_bytes=int(told["size"]), checksum=checksum)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise not_qdrant(self.url, doing=doing, why=f"no snapshot: {told!r:.80}") from error


def _path(collection: str) -> str:
    return f"/collections/{quote(collection, safe='')}/snapshots"
