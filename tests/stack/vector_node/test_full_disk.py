"""A disk that is full in mid-write costs an error answer and nothing that was acknowledged."""

import resource
from collections.abc import Callable

import psutil
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse
from tests.running_node import RunningNode
from tests.stack.vector_node.helpers import create, ids, points, workers

pytestmark = pytest.mark.stack

# The engine's write-ahead log grows in files of 32 MiB: a batch of 5 MB fills the first ones soon.
_TEXT = "x" * 100_000
_BATCH = 50


def _limit_files(processes: list[psutil.Process], limit_bytes: int) -> None:
    for process in processes:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))


def _write(client: QdrantClient, first: int) -> None:
    batch = [
        models.PointStruct(id=each.id, vector=each.vector, payload={"text": _TEXT})
        for each in points(_BATCH, first=first)
    ]
    client.upsert("a", batch, wait=True)


@pytest.mark.slow
def test_a_full_disk_costs_no_acknowledged_point(new_node: Callable[..., RunningNode]) -> None:
    """Writes fail with 500 or 507 in Qdrant's shape; with room again the node works and has every point."""
    node = new_node()
    client = node.client()
    create(client, "a", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0))
    acknowledged: set[object] = set()
    _write(client, 0)
    acknowledged |= set(range(_BATCH))

    # A file-size limit is answered by the kernel where a full disk would be: when a file has to grow.
    _limit_files(workers(node.process.pid), 1_000_000)
    refused: UnexpectedResponse | None = None
    for first in range(_BATCH, _BATCH * 40, _BATCH):
        try:
            _write(client, first)
        except UnexpectedResponse as error:
            refused = error
            break
        acknowledged |= set(range(first, first + _BATCH))

    assert refused is not None, "the limit was never hit"
    assert refused.status_code in {500, 507}
    assert b'"error"' in refused.content
    _limit_files(workers(node.process.pid), resource.RLIM_INFINITY)
    _eventually_write(client, first=10_000)
    assert acknowledged <= ids(client, "a")
    node.kill()
    node.restart()
    assert acknowledged | set(range(10_000, 10_000 + _BATCH)) <= ids(client, "a")


def _eventually_write(client: QdrantClient, *, first: int) -> None:
    """Write; the engine may have died of the full disk, and the first request after that starts it anew."""
    try:
        _write(client, first)
    except UnexpectedResponse as error:
        assert error.status_code == 500  # noqa: PT017 - only then is it tried again
        _write(client, first)
