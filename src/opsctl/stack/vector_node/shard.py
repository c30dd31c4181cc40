"""How one collection lies on disk: `collection.json` names the shard directory in force and the parameters."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from opsctl.clients.files import sync_directory, write_atomically
from opsctl.stack.vector_node.convert_config import engine_config
from opsctl.stack.vector_node.settings import check_supported

if TYPE_CHECKING:
    import qdrant_edge as edge
    from qdrant_client.http import models

POINTER = "collection.json"


@dataclass(slots=True, kw_only=True)
class Shard:
    """An open collection; `directory` is the name of the shard directory that `collection.json` points to."""

    root: Path
    params: "models.CreateCollection"
    directory: str
    engine: "edge.EdgeShard"
    unflushed_since: float | None = None

    @classmethod
    def create(cls, root: Path, *, params: "models.CreateCollection") -> "Shard":
        """Make a new collection on disk and open it."""
        import qdrant_edge as edge

        check_supported(params)
        config = engine_config(params)
        shutil.rmtree(root, ignore_errors=True)
        path = root / shard_name(1)
        path.mkdir(parents=True)
        engine = edge.EdgeShard.create(str(path), config)
        engine.flush()
        shard = cls(root=root, params=params, directory=path.name, engine=engine)
        shard.write_pointer()
        sync_directory(root.parent)
        return shard

    @classmethod
    def open(cls, root: Path) -> "Shard":
        """Open a collection; directories that an interrupted optimisation left behind are removed."""
        import qdrant_edge as edge

        params, directory = read_pointer(root)
        for stale in root.iterdir():
            if stale.name not in {POINTER, directory}:
                shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        engine = edge.EdgeShard.load(str(root / directory), engine_config(params))
        return cls(root=root, params=params, directory=directory, engine=engine)

    @property
    def path(self) -> Path:
        """The shard directory in force."""
        return self.root / self.directory

    def next_path(self) -> Path:
        """Return the directory that the next generation of this shard gets."""
        return self.root / shard_name(int(self.directory.rpartition("-")[2]) + 1)

    def update(self, operations: "list[edge.UpdateOperation]") -> float:
        """Apply operations; return the seconds that the engine needed."""
        self.unflushed_since = self.unflushed_since or time.monotonic()
        started = time.perf_counter()
        for operation in operations:
            self.engine.update(operation)
        return time.perf_counter() - started

    def flush(self) -> None:
        """Bring everything acknowledged from the write-ahead log into the segments."""
        self.engine.flush()
        self.unflushed_since = None

    def reconfigure(self, params: "models.CreateCollection") -> None:
        """Put changed parameters in force."""
        check_supported(params)
        self.flush()
        before = self.params
        self.params = params
        self.write_pointer()
        try:
            self.reopen()
        except Exception:
            self.params = before
            self.write_pointer()
            self.reopen()
            raise

    def annotate(self, params: "models.CreateCollection") -> None:
        """Put changed notes in force, which the engine does not know about."""
        before = self.params
        self.params = params
        try:
            self.write_pointer()
        except Exception:
            self.params = before
            raise

    def reopen(self) -> None:
        """Close the engine and load the directory again, from segments and write-ahead log."""
        import qdrant_edge as edge

        self.engine.close()
        self.engine = edge.EdgeShard.load(str(self.path), engine_config(self.params))

    def adopt(self, engine: "edge.EdgeShard", *, path: Path) -> None:
        """Switch to another, flushed shard directory in one atomic step, and remove the old one."""
        old_engine, old_path = self.engine, self.path
        self.directory = path.name
        try:
            self.write_pointer()
        except Exception:
            self.directory = old_path.name
            raise
        self.engine = engine
        self.unflushed_since = None
        old_engine.close()
        shutil.rmtree(old_path, ignore_errors=True)  # a rest is removed at the next start

    def write_pointer(self) -> None:
        """Make shard directory and parameters durable, both at once."""
        write_pointer(self.root, params=self.params, directory=self.directory)


def shard_name(generation: int) -> str:
    """Return the directory name of a generation."""
    return f"shard-{generation:06d}"


def write_pointer(root: Path, *, params: "models.CreateCollection", directory: str) -> None:
    """Write `collection.json` as a whole."""
    content: dict[str, Any] = {
        "version": 1,
        "shard": directory,
        "params": params.model_dump(mode="json", exclude_none=True),
    }
    write_atomically(root / POINTER, orjson.dumps(content, option=orjson.OPT_INDENT_2))


def read_pointer(root: Path) -> "tuple[models.CreateCollection, str]":
    """Return the parameters and the shard directory in force."""
    from qdrant_client.http import models

    content = orjson.loads((root / POINTER).read_bytes())
    return models.CreateCollection.model_validate(content["params"]), content["shard"]
