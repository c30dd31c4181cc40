"""One PostgreSQL for all tests of backups, and one recorded history that many of them restore from."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.dr.postgres.history import History, record_history
from tests.dr.postgres.own_server import OwnServer, own_server
from tests.scratch_project import free_port


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[OwnServer]:
    """Start a PostgreSQL that the tests of backups have for themselves."""
    with own_server(open_folder / f"dr-postgres-{os.getpid()}", port=free_port()) as running:
        yield running


@pytest.fixture(scope="session")
def history(open_folder: Path) -> History:
    """Record a full and an incremental backup, a restore point, and the log of all of it; their server is gone."""
    folder = open_folder / f"dr-history-{os.getpid()}"
    folder.mkdir()
    with own_server(folder / "server", port=free_port()) as running:
        return record_history(running, folder)
