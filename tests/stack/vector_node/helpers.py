"""What several tests of the vector node do: fill a collection, wait for green, find its worker."""

import contextlib
import time

import numpy as np
import psutil
from qdrant_client import QdrantClient, models

SIZE = 16


def create(client: QdrantClient, name: str, **parameters: object) -> None:
    """Make a small collection."""
    config = models.VectorParams(size=SIZE, distance=models.Distance.COSINE)
    client.create_collection(name, vectors_config=config, **parameters)  # type: ignore[arg-type]


def points(count: int, *, first: int = 0) -> list[models.PointStruct]:
    """Return points with ids from `first` on."""
    vectors = np.random.default_rng(first).normal(size=(count, SIZE)).astype(np.float32)
    return [
        models.PointStruct(id=first + row, vector=vectors[row].tolist(), payload={"n": first + row})
        for row in range(count)
    ]


def fill(client: QdrantClient, name: str, count: int, *, first: int = 0) -> None:
    """Write points in batches of 500."""
    for start in range(first, first + count, 500):
        client.upsert(name, points(min(500, first + count - start), first=start), wait=True)


def ids(client: QdrantClient, name: str) -> set[object]:
    """Return the ids of all points."""
    found, _offset = client.scroll(name, limit=100_000, with_payload=False)
    return {each.id for each in found}


def wait_for(condition: object, *, what: str, deadline_seconds: float = 60.0) -> None:
    """Wait until a function says True; fail loudly when it never does."""
    assert callable(condition)
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {deadline_seconds} s in vain for: {what}")
        time.sleep(0.02)


def is_green(client: QdrantClient, name: str) -> bool:
    """Say whether a collection is green."""
    return client.get_collection(name).status == models.CollectionStatus.GREEN


def workers(pid: int) -> list[psutil.Process]:
    """Return the engine workers of a front."""
    return _running(psutil.Process(pid).children(), module="opsctl.stack.vector_node.worker")


def optimizers(pid: int) -> list[psutil.Process]:
    """Return the optimiser processes below a front."""
    return _running(psutil.Process(pid).children(recursive=True), module="opsctl.stack.vector_node.optimizer")


def _running(processes: list[psutil.Process], *, module: str) -> list[psutil.Process]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if module in process.cmdline():
                found.append(process)
    return found
