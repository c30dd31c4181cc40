"""When a collection is optimised again, and when there is no reason to."""

import os
import signal
import threading
from collections.abc import Callable

import pytest
from qdrant_client import models
from tests.running_node import RunningNode
from tests.stack.vector_node.helpers import create, fill, is_green, optimizers, wait_for

pytestmark = pytest.mark.stack


@pytest.mark.slow
def test_a_change_of_notes_starts_no_optimisation(new_node: Callable[..., RunningNode]) -> None:
    """Metadata is not the engine's business: it is durable at once, and the collection stays green."""
    node = new_node()
    client = node.client()
    create(client, "a", metadata={"step": 1, "kept": True})
    fill(client, "a", 1000)
    wait_for(lambda: is_green(client, "a"), what="green")

    client.update_collection("a", metadata={"step": 2})
    seen = client.get_collection("a")
    node.kill()
    node.restart()

    assert seen.status == models.CollectionStatus.GREEN
    assert client.get_collection("a").config.metadata == {"step": 2, "kept": True}


@pytest.mark.slow
def test_writes_held_back_by_a_copy_are_in_the_update_queue(new_node: Callable[..., RunningNode]) -> None:
    """While the optimiser copies the shard, a write waits, and the info says so."""
    node = new_node()
    client = node.client()
    create(client, "a", optimizers_config=models.OptimizersConfigDiff(indexing_threshold=50))
    fill(client, "a", 1500)
    wait_for(lambda: optimizers(node.process.pid), what="the optimiser to start")
    (child,) = optimizers(node.process.pid)
    os.kill(child.pid, signal.SIGSTOP)
    writer = threading.Thread(target=fill, args=(node.client(), "a", 10), kwargs={"first": 9000})
    writer.start()
    try:
        wait_for(
            lambda: node.get("/collections/a").json()["result"]["update_queue"]["length"] == 1,
            what="the write to be held",
        )
    finally:
        os.kill(child.pid, signal.SIGCONT)
        writer.join(timeout=60)

    wait_for(lambda: is_green(client, "a"), what="green")
    assert node.get("/collections/a").json()["result"]["update_queue"]["length"] == 0
    assert client.count("a").count == 1510
