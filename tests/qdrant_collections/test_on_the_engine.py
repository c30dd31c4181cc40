"""Rebuilds on the real engine: end to end, killed with kill -9, and with the engine killed under them."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.qdrant_collections.conftest import ALIAS, Workshop, make_points, make_source
from tests.running_node import RunningNode, start_node

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.clock import SystemClock
from opsctl.core.events import Event, PhaseAdvanced
from opsctl.qdrant_collections.checkpoint import Step
from opsctl.qdrant_collections.drift import find_drift
from opsctl.qdrant_collections.rollback import roll_back

pytestmark = pytest.mark.stack

SOURCE_POINTS = 12_000
EXPECTED_POINTS = SOURCE_POINTS // 6


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Give a node that may be killed."""
    node = start_node(tmp_path_factory.mktemp("node") / "data")
    yield node
    node.stop()


@pytest.fixture
def engine(own_node: RunningNode) -> Iterator[QdrantStore]:
    """Give a client with a filled source, and nothing else on the server."""
    with QdrantStore(QdrantPlace(url=own_node.url)) as store:
        for name in store.collections():
            store.delete_collection(name)
        make_source(store, count=SOURCE_POINTS)
        yield store


@pytest.fixture
def real_workshop(engine: QdrantStore, tmp_path: Path) -> Workshop:
    """Give a workshop over the real engine."""
    return Workshop(store=engine, folder=tmp_path / "collections", clock=SystemClock())


@pytest.mark.drill
def test_build_drift_repair_rebuild_and_rollback(real_workshop: Workshop) -> None:
    """The whole life of a derived collection on the real engine."""
    store = real_workshop.store
    first = real_workshop.rebuild()
    store.upsert("content", make_points(6, first=60_000), wait=True)
    drift = find_drift(ALIAS, book=real_workshop.book, here=real_workshop.here, repair=True)
    second = real_workshop.rebuild()
    roll_back(ALIAS, here=real_workshop.here)

    assert (first.ok, second.ok, drift.written) == (True, True, 1)
    assert store.count(ALIAS) == EXPECTED_POINTS + 1
    assert store.aliases() == {ALIAS: first.generation}


KILLED = """
import os, signal, sys
from pathlib import Path
from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.clock import SystemClock
from opsctl.core.events import PhaseAdvanced
from tests.qdrant_collections.conftest import Workshop

advances = 0

def listen(event):
    global advances
    advances += isinstance(event, PhaseAdvanced) and event.phase == "copy" and event.advance > 0
    if advances == 2:
        os.kill(os.getpid(), signal.SIGKILL)

store = QdrantStore(QdrantPlace(url=sys.argv[1]))
Workshop(store=store, folder=Path(sys.argv[2]), clock=SystemClock(), listener=listen).rebuild()
"""


@pytest.mark.slow
def test_kill_9_in_mid_copy_leaves_the_old_generation_serving_and_the_next_run_goes_on(
    real_workshop: Workshop, own_node: RunningNode
) -> None:
    """The killed process leaves a checkpoint; another process copies only the rest."""
    first = real_workshop.rebuild()
    command = [sys.executable, "-c", KILLED, own_node.url, str(real_workshop.folder)]
    root = Path(__file__).parents[2]
    killed = subprocess.run(command, cwd=root, capture_output=True, check=False, timeout=120)
    served = real_workshop.store.count(ALIAS)
    live = real_workshop.store.aliases()[ALIAS]

    second = real_workshop.rebuild()

    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert (live, served) == (first.generation, EXPECTED_POINTS)
    assert (second.ok, second.resumed) == (True, True)
    assert 0 < second.copied_now < EXPECTED_POINTS


@pytest.mark.drill
def test_the_engine_killed_in_mid_rebuild_and_restarted_costs_only_time(
    real_workshop: Workshop, own_node: RunningNode
) -> None:
    """The copy waits for the engine to come back and ends with every point."""
    revivals: list[threading.Thread] = []

    def kill_once(event: Event) -> None:
        is_copy = isinstance(event, PhaseAdvanced) and event.phase == Step.COPY and event.advance > 0
        if is_copy and not revivals:
            own_node.kill()
            revivals.append(threading.Thread(target=own_node.restart))
            revivals[0].start()

    real_workshop.listener = kill_once
    report = real_workshop.rebuild()
    revivals[0].join()

    assert report.ok
    assert real_workshop.store.count(ALIAS) == EXPECTED_POINTS
