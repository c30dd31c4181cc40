"""What the node as a whole does: make and delete collections, change aliases, tell about itself."""

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from opsctl.stack.vector_node import snapshots
from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.catalog import Catalog
from opsctl.stack.vector_node.logs import facts, logger
from opsctl.stack.vector_node.pool import Answer, Pool, WorkerDiedError
from opsctl.stack.vector_node.unbroken import Unbroken

if TYPE_CHECKING:
    from qdrant_client.http import models


class Node:
    """The catalogue of names and the pool of engines, kept in step."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.incoming = data / "incoming"
        self._collections = data / "collections"
        for directory in (self._collections, self.incoming, self.snapshots):
            directory.mkdir(parents=True, exist_ok=True)
        self.catalog = Catalog.open(data / "catalog.json")
        self.pool = Pool(lambda name: self._collections / self.catalog.collections[name])
        self.is_ready = False
        # One change of names at a time: a create must not race a delete or an alias of the same name.
        self._names_lock = asyncio.Lock()
        self._unbroken = Unbroken()
        self._remove_orphans()

    @property
    def snapshots(self) -> Path:
        """Where snapshots of all collections lie, one directory for each."""
        return self.data / "snapshots"

    async def open_all(self) -> None:
        """Start the engine of every collection, one after another; the node is ready afterwards."""
        for name in sorted(self.catalog.collections):
            try:
                await self.pool.ask(name, "info")
            except ApiError as error:
                logger.error("a collection does not open", extra=facts(collection=name, error=error.message))
        self.is_ready = True

    async def ask(self, name: str, operation: str, *, args: dict[str, Any], body: bytes) -> Answer:
        """Pass a request on to the engine of a collection or alias."""
        target = self.catalog.resolve(name)
        try:
            return await self.pool.ask(target, operation, args=args, body=body)
        except WorkerDiedError:
            self.catalog.resolve(name)  # it may have died because the collection was deleted
            raise

    async def create(self, name: str, *, body: bytes) -> Answer:
        """Make a collection: on disk first, then in the catalogue."""
        return await self._unbroken.run(self._create(name, body=body))

    async def delete(self, name: str) -> bool:
        """Delete a collection, its aliases and its snapshots: from the catalogue first, then from the disk."""
        return await self._unbroken.run(self._delete(name))

    async def replace(self, name: str, *, snapshot: Path) -> None:
        """Put what a snapshot holds in the place of a collection, or make it a new one.

        The engine opens the unpacked directory first, and one word of the catalogue makes the switch: a snapshot
        that is no good, or a crash at any moment, leaves the collection as it was.
        """
        await self._unbroken.run(self._replace(name, snapshot=snapshot))

    async def change_aliases(self, request: "models.ChangeAliasesOperation") -> None:
        """Apply a list of alias actions as one."""
        async with self._names_lock:
            self.catalog.change_aliases(request)

    async def close(self) -> None:
        """End all engines, gracefully."""
        await self._unbroken.wait()
        await self.pool.close_all()

    async def _create(self, name: str, *, body: bytes) -> Answer:
        async with self._names_lock:
            self.catalog.check_new_name(name)
            root = self._new_root()
            answer = await self.pool.create(name, root=root, body=body)
            if answer.status == 200:
                try:
                    self.catalog.put(name, directory=root.name)
                except Exception:
                    await self.pool.forget(name)
                    await _remove(root)
                    raise
            return answer

    async def _delete(self, name: str) -> bool:
        async with self._names_lock:
            directory = self.catalog.collections.get(name)
            if directory is None:
                return False
            self.catalog.remove(name)
            await self.pool.forget(name)
            await _remove(self._collections / directory)
            await _remove(self.snapshots / name)
            return True

    async def _replace(self, name: str, *, snapshot: Path) -> None:
        async with self._names_lock:
            target = self.catalog.aliases.get(name, name)
            if target not in self.catalog.collections:
                self.catalog.check_new_name(name)
            root = self._new_root()
            try:
                await asyncio.to_thread(snapshots.unpack, snapshot, target=root)
                await self.pool.try_open(root)
                before = self.catalog.collections.get(target)
                await self.pool.close(target)
                self.catalog.put(target, directory=root.name)
            except BaseException:
                await _remove(root)
                raise
            if before is not None:
                await _remove(self._collections / before)
            await self.pool.ask(target, "info")

    def _new_root(self) -> Path:
        return self._collections / uuid4().hex

    def _remove_orphans(self) -> None:
        known = set(self.catalog.collections.values())
        for rest in [*self.incoming.iterdir(), *self._collections.iterdir()]:
            if rest.is_file():
                rest.unlink()
            elif rest.name not in known:
                shutil.rmtree(rest)


async def _remove(directory: Path) -> None:
    # What cannot be removed now is an orphan, and removed at the next start.
    await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
