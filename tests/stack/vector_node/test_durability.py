"""Every acknowledged write survives the death of the front, of the engine worker and of the optimiser."""

import signal
from collections.abc import Callable

import psutil
import pytest
from qdrant_client import models
from tests.running_node import RunningNode
from tests.stack.vector_node.helpers import create, fill, ids, is_green, optimizers, points, wait_for, workers

pytestmark = pytest.mark.stack

_EAGER = models.OptimizersConfigDiff(indexing_threshold=50)


@pytest.mark.slow
def test_kill_of_the_front_keeps_every_acknowledged_point(new_node: Callable[..., RunningNode]) -> None:
    """After kill -9 of the front no orphan stays, and the restarted node has points, aliases and indexes."""
    node = new_node()
    client = node.client()
    create(client, "a", metadata={"source": "test"})
    client.create_payload_index("a", "n", models.PayloadSchemaType.INTEGER)
    client.update_collection_aliases(
        [models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name="a", alias_name="now"))]
    )
    fill(client, "a", 1200)
    engine_processes = workers(node.process.pid)

    node.kill()
    _gone, alive = psutil.wait_procs(engine_processes, timeout=20)
    node.restart()

    assert alive == []
    assert ids(client, "now") == set(range(1200))
    info = client.get_collection("a")
    assert info.payload_schema["n"].points == 1200
    assert info.config.metadata == {"source": "test"}


@pytest.mark.slow
def test_kill_of_a_worker_keeps_every_acknowledged_point(new_node: Callable[..., RunningNode]) -> None:
    """The next request starts the engine anew; metrics count the restart."""
    node = new_node()
    client = node.client()
    create(client, "a")
    fill(client, "a", 700)

    _kill(workers(node.process.pid))

    wait_for(lambda: _answers(client), what="the engine to come back", deadline_seconds=20)
    assert ids(client, "a") == set(range(700))
    assert 'vector_node_worker_restarts_total{id="a"} 1.0' in node.get("/metrics").text


def _answers(client: object) -> bool:
    from qdrant_client.http.exceptions import UnexpectedResponse

    try:
        client.count("a")  # type: ignore[attr-defined]
    except UnexpectedResponse as error:
        assert error.status_code == 500  # noqa: PT017 - the one request under way
        return False
    return True


@pytest.mark.slow
def test_writes_and_queries_go_on_during_an_optimisation(new_node: Callable[..., RunningNode]) -> None:
    """Queries answer, writes and deletes of that time are in the optimised collection, and it becomes green."""
    node = new_node()
    client = node.client()
    create(client, "a", optimizers_config=_EAGER)
    fill(client, "a", 6000)
    wait_for(lambda: optimizers(node.process.pid), what="the optimiser to start")

    fill(client, "a", 1000, first=6000)
    client.delete("a", list(range(100)))
    client.set_payload("a", {"late": True}, points=[200])
    assert client.get_collection("a").status == models.CollectionStatus.YELLOW
    assert client.query_points("a", points(1)[0].vector, limit=5).points  # type: ignore[arg-type]
    assert node.get("/healthz").status_code == 200
    wait_for(lambda: is_green(client, "a"), what="green")

    info = client.get_collection("a")
    assert info.indexed_vectors_count is not None
    assert info.indexed_vectors_count >= 6000 - 100
    assert ids(client, "a") == set(range(100, 7000))
    assert client.retrieve("a", [200])[0].payload == {"n": 200, "late": True}


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["front", "worker", "optimizer"])
def test_a_kill_in_mid_optimisation_loses_nothing(new_node: Callable[..., RunningNode], victim: str) -> None:
    """Whoever dies while the optimiser runs, the points are all there and nothing runs on alone."""
    node = new_node()
    client = node.client()
    create(client, "a", optimizers_config=_EAGER)
    fill(client, "a", 6000)
    wait_for(lambda: optimizers(node.process.pid), what="the optimiser to start")
    fill(client, "a", 500, first=6000)
    below = psutil.Process(node.process.pid).children(recursive=True)
    match victim:
        case "front":
            node.kill()
            _gone, alive = psutil.wait_procs(below, timeout=30)
            assert alive == []
            node.restart()
        case "worker":
            _kill(workers(node.process.pid))
            wait_for(lambda: _answers(client), what="the engine to come back", deadline_seconds=20)
        case _:
            _kill(optimizers(node.process.pid))

    assert ids(client, "a") == set(range(6500))


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        if process.is_running():
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=10)


@pytest.mark.slow
def test_a_graceful_stop_ends_every_process(new_node: Callable[..., RunningNode]) -> None:
    """SIGTERM flushes, ends the workers and exits with 0."""
    node = new_node()
    client = node.client()
    create(client, "a")
    fill(client, "a", 100)
    below = psutil.Process(node.process.pid).children(recursive=True)

    code = node.stop()
    _gone, alive = psutil.wait_procs(below, timeout=10)
    node.restart()

    assert code == 0
    assert alive == []
    assert ids(client, "a") == set(range(100))


def test_a_directory_is_served_by_one_node_only(new_node: Callable[..., RunningNode]) -> None:
    """A second node on the same directory is refused with exit code 4."""
    import subprocess
    import sys

    node = new_node()
    command = ["-m", "opsctl.stack.vector_node", "--port", "1", "--data", str(node.data_dir)]
    second = subprocess.run([sys.executable, *command], capture_output=True, timeout=30, check=False)

    assert second.returncode == 4
    assert b"holds the lock" in second.stderr
    assert second.stdout == b""
