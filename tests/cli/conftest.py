"""One project with backups for all tests that need some: to make it takes half a minute."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.dr_shop import Shop, shop


@pytest.fixture(scope="session")
def dr_shop(open_folder: Path) -> Iterator[Shop]:
    """Give a project with a full and an incremental backup, and the log around them."""
    with shop(open_folder / f"dr-{os.getpid()}") as project:
        yield project
