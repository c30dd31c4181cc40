"""One project with backups for all tests that need some, since to make it takes half a minute; no project for the others."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.dr_shop import Shop, shop

from opsctl.cli import wiring


@pytest.fixture(autouse=True)
def no_project_of_another_test() -> Iterator[None]:
    """Forget which project was chosen, where a test calls our functions instead of a command."""
    forget_project()
    yield
    forget_project()


def forget_project() -> None:
    """Let the next question for the project be answered anew."""
    wiring._chosen.clear()
    wiring.settings.cache_clear()


@pytest.fixture(scope="session")
def dr_shop(open_folder: Path) -> Iterator[Shop]:
    """Give a project with a full and an incremental backup, and the log around them."""
    with shop(open_folder / f"dr-{os.getpid()}") as project:
        yield project
