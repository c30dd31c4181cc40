"""How snapshots are made, listed, downloaded, deleted and recovered from over HTTP."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from opsctl.stack.vector_node import answers, snapshots
from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.http import FileResponse, Request, Response
from opsctl.stack.vector_node.parsing import parse_model
from opsctl.stack.vector_node.routes import Route
from opsctl.stack.vector_node.snapshot_sources import fetch, receive_upload

if TYPE_CHECKING:
    from opsctl.stack.vector_node.node import Node


class SnapshotRoutes:
    """The handlers of `/collections/{name}/snapshots`."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    async def list(self, _request: Request, route: Route) -> Response:
        """Return the snapshots of a collection."""
        directory = self._directory(route)
        files = sorted(directory.glob(f"*{snapshots.SUFFIX}")) if directory.is_dir() else []
        return _result([asdict(snapshots.describe(path)) for path in files])

    async def create(self, _request: Request, route: Route) -> Response:
        """Make a snapshot; the collection keeps on serving."""
        name = self._node.catalog.resolve(route.variables["name"])
        moment = datetime.now(UTC).strftime("%Y-%m-%d-%H-%M-%S")
        path = self._directory(route) / f"{name}-{moment}-{uuid4().hex[:8]}{snapshots.SUFFIX}"
        answer = await self._node.ask(name, "snapshot", args={"path": str(path)}, body=b"")
        if answer.status != 200:
            return Response(status=answer.status, body=answer.body)
        return _result(asdict(snapshots.describe(path)))

    async def download(self, _request: Request, route: Route) -> FileResponse:
        """Return a snapshot file, of whatever size."""
        path = self._path(route)
        disposition = f'attachment; filename="{path.name}"'.encode()
        return FileResponse(
            stream=path.open("rb"),
            size=path.stat().st_size,
            headers=((b"content-disposition", disposition),),
        )

    async def delete(self, _request: Request, route: Route) -> Response:
        """Delete a snapshot."""
        await asyncio.to_thread(snapshots.remove, self._path(route))
        return _result(result=True)

    async def recover(self, request: Request, route: Route) -> Response:
        """Put a collection back to a snapshot from a file of this machine or a loopback URL."""
        from qdrant_client.http import models

        asked = parse_model(models.SnapshotRecover, await request.body())
        path = self._incoming()
        try:
            await fetch(asked.location, target=path, api_key=asked.api_key)
            return await self._recover(route, path=path, checksum=asked.checksum)
        finally:
            path.unlink(missing_ok=True)

    async def upload(self, request: Request, route: Route) -> Response:
        """Put a collection back to a snapshot that comes with the request."""
        path = self._incoming()
        try:
            await receive_upload(request, target=path)
            return await self._recover(route, path=path, checksum=request.query.get("checksum"))
        finally:
            path.unlink(missing_ok=True)

    async def _recover(self, route: Route, *, path: Path, checksum: str | None) -> Response:
        actual = await asyncio.to_thread(snapshots.sha256_of, path)
        if checksum is not None and checksum.lower() != actual:
            raise ApiError(
                400,
                f"Wrong input: Snapshot checksum mismatch: expected {checksum}, got {actual}; nothing was changed",
            )
        await self._node.replace(route.variables["name"], snapshot=path)
        return _result(result=True)

    def _directory(self, route: Route) -> Path:
        return self._node.snapshots / self._node.catalog.resolve(route.variables["name"])

    def _path(self, route: Route) -> Path:
        name = route.variables["snapshot"]
        path = self._directory(route) / name
        if "/" in name or name.startswith(".") or not name.endswith(snapshots.SUFFIX) or not path.is_file():
            raise ApiError(404, f"Not found: Snapshot {name} not found")
        return path

    def _incoming(self) -> Path:
        return self._node.incoming / f"{uuid4().hex}{snapshots.SUFFIX}"


def _result(result: object) -> Response:
    return Response(status=200, body=answers.envelope(result, seconds=0.0))
